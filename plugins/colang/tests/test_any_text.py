"""Whatever a file holds, it is read, or refused with the one error that people are told."""

from __future__ import annotations

import re

from entropy import EXAMPLES
from handrail import RailsConfig
from handrail.errors import InvalidRailsConfigurationError
from handrail_colang._parser import parse
from handrail_colang._program import Program
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = [
    *("define flow f", "define subflow check terms", "define bot b", "define user u", "else if", "do f", "user input"),
    *("create event X", "{{ x }}", "if", "elif", "else", "execute", "act", "bot", "stop", "pass", "$x", "$bot_message"),
    *("=", "==", "<", "not", "and", "or", "in", "(", ")", "[", "]", ",", ".", "...", '"text"', "'t'", '"""', '"', "1"),
    *("2.5", "True", "None", "#", "\\", "when", "%", "-", "+", "while", "do"),
]
LINES = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
BLANK = st.sampled_from(["", "  ", "    ", "   ", "\t", "      "])
FILES = st.lists(st.tuples(BLANK, LINES).map("".join), max_size=12).map("\n".join)
PLACE = re.compile(r"colang_content:\d+:\d+: ")


def read(text):
    problems = ()
    try:
        Program.load(RailsConfig.from_content(text, config={"models": []}))
    except InvalidRailsConfigurationError as error:
        problems = error.problems
    assert all(PLACE.match(problem) for problem in problems)


@settings(max_examples=max(EXAMPLES // 4, 10), deadline=None)
@given(FILES)
def test_any_arrangement_of_known_words_is_read_or_refused(text):
    read(text)


@settings(max_examples=max(EXAMPLES // 4, 10), deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    read(text)


def test_a_flow_is_read_whatever_stands_at_the_ends_of_its_lines():
    for end in ("\n", "\r\n", "  \n", " # why\n"):
        (flow,) = parse(f"define flow f{end}  stop{end}", "rails.co")
        assert (flow.name, len(flow.body)) == ("f", 1)
