"""Flows as text."""

from __future__ import annotations

import copy
import pickle

import pytest
from handrail.config import Flow, normalized_name
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.lists(st.text("abcdefghij-_.0123456789", min_size=1, max_size=8), min_size=1, max_size=4)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


def test_a_name_alone_has_no_arguments():
    assert Flow.parse("self check output") == Flow("self check output", {}, "self check output")


def test_arguments_follow_the_name():
    flow = Flow.parse("content safety check output $model=guard $level=high")
    assert flow.name == "content safety check output"
    assert flow.arguments == {"model": "guard", "level": "high"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('$message="a b"', "a b"),
        ("$message='a b'", "a b"),
        (r'$message="say \"no\" \\"', 'say "no" \\'),
        ("$message = plain", "plain"),
        ('$message=""', ""),
        ("$message=a=b", "a=b"),
        ("$message=nvidia/llama-3.1:8b", "nvidia/llama-3.1:8b"),
    ],
)
def test_values_may_be_quoted(written: str, meant: str):
    assert Flow.parse(f"check {written}").arguments == {"message": meant}


def test_space_around_a_name_makes_no_difference():
    assert Flow.parse("  self   check\toutput ").name == "self check output"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rail name; start with the name of a rail, such as 'self check output'"),
        ("  ", "no rail name; start with the name of a rail, such as 'self check output'"),
        ("$model=guard", "no rail name; start with the name of a rail, such as 'self check output'"),
        ("check $model=a b", "'b' comes after an argument; quote values that contain spaces"),
        ("check $model=a $model=b", "the argument '$model' is given twice; give it once"),
        ("check $model=", "'$model=' cannot be read; arguments are written $name=value or $name=\"two words\""),
        ("check $model", "'$model' cannot be read; arguments are written $name=value or $name=\"two words\""),
        ('check $m="a', '\'$m="a\' cannot be read; arguments are written $name=value or $name="two words"'),
        ('check $m="a"b', '\'$m="a"b\' cannot be read; arguments are written $name=value or $name="two words"'),
        ("check model=a", "'=a' cannot be read; arguments are written $name=value or $name=\"two words\""),
    ],
)
def test_what_is_no_flow_is_refused(text: str, message: str):
    with pytest.raises(ValueError) as caught:
        Flow.parse(text)
    assert str(caught.value) == message


@given(WORDS, st.dictionaries(NAMES, st.text(max_size=12), max_size=3))
def test_what_is_written_is_read(words: list[str], arguments: dict[str, str]):
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = " ".join([*words, *(f"${name}={quoted(value)}" for name, value in arguments.items())])
    flow = Flow.parse(text)
    assert (flow.name, flow.arguments, flow.text) == (" ".join(words), arguments, text)


@given(st.text(max_size=40))
def test_any_text_is_a_flow_or_a_value_error(text: str):
    try:
        flow = Flow.parse(text)
    except ValueError:
        return
    assert flow.name
    assert flow.text == text


def test_a_flow_is_hashable_and_can_be_copied_and_pickled():
    flow = Flow.parse("check $model=guard")
    assert hash(flow) == hash(Flow.parse("check $model=guard"))
    assert copy.deepcopy(flow) == pickle.loads(pickle.dumps(flow)) == flow


def test_names_are_alike_whatever_separates_their_words():
    alike = {normalized_name(name) for name in ("Self Check  Output", "self-check-output", "self_check_output ")}
    assert alike == {"self_check_output"}
