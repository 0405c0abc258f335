"""What every stream rail must do: subclass `StreamRailConformance`, say which rail, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of rails run

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail_testkit._conformance import EXAMPLES, thorough
from handrail_testkit._counting import bytes_kept, lines_run
from handrail_testkit._pieces import splits, telling_splits
from handrail_testkit._rail_suite import RailConformance, harmless
from handrail_testkit._sessions import Run, most_held, run_session
from handrail_testkit._window_rail_suite import ODD_TEXTS

if TYPE_CHECKING:
    from handrail_testkit._rail_case import BuiltRail, RailCase

MOST_LINES_OF_OPEN = 2000
MOST_BYTES_OF_OPEN = 64 * 1024
LONG = 1500  # characters, of which four times as many are compared with as many


class StreamRailConformance(RailConformance, suite=True):
    """Tests of one stream rail, on asyncio and on trio. A subclass overrides the fixture `case`, and no test."""

    # Sessions

    def test_it_opens_a_session_for_each_stream(self, case: RailCase, built: BuiltRail) -> None:
        """`open(turn)` is a plain function, and gives another object with `feed` and `finish` each time."""
        assert callable(getattr(built.rail, "open", None)), f"{type(built.rail).__name__} has no method open"
        sessions = [built.rail.open(case.turn("")) for _ in range(2)]
        for session in sessions:
            assert callable(getattr(session, "feed", None)), f"open() returned {session!r}, which has no method feed"
            assert callable(getattr(session, "finish", None)), (
                f"open() returned {session!r}, which has no method finish"
            )
        assert sessions[0] is not sessions[1], "open() returned the same session twice"

    def test_opening_a_session_costs_next_to_nothing(self, case: RailCase, built: BuiltRail) -> None:
        """It happens once for each answer. Compile, load and read in `__init__`, and share what does not change."""
        lines = lines_run(built.rail.open, case.turn(""))
        assert lines <= MOST_LINES_OF_OPEN, f"open() ran {lines} lines"
        kept = bytes_kept(built.rail.open(case.turn("")), besides=(built.rail, case.turn("")))
        assert kept <= MOST_BYTES_OF_OPEN, f"a new session keeps {kept} bytes of its own"

    def test_what_a_session_is_given_stays_as_it_was(self, case: RailCase, built: BuiltRail) -> None:
        """Messages, variables and tools belong to the caller, who may not allow changes. Copy what you change."""
        for text in case.examples:
            turn = case.turn(text)
            before = copy.deepcopy((turn.messages, turn.variables, turn.tools))
            frozen = replace(
                turn,
                messages=tuple(map(MappingProxyType, turn.messages)),
                variables=MappingProxyType(dict(turn.variables)),
                tools=tuple(map(MappingProxyType, turn.tools)),
            )
            run_session(built.rail, frozen, [text])
            run_session(built.rail, turn, [text])
            assert (turn.messages, turn.variables, turn.tools) == before

    def test_an_end_without_text_is_an_end(self, case: RailCase, built: BuiltRail) -> None:
        """`finish` may come first, and pieces may be empty; both mean nothing. Let out nothing that was not fed."""
        for pieces in ((), ("",), ("", "", "")):
            assert run_session(built.rail, case.turn(""), pieces).fate == ("", False)

    def test_any_text_can_be_fed(self, case: RailCase, built: BuiltRail) -> None:
        """Control characters, halves of surrogate pairs and characters of all planes are text that a model may send."""
        for text in ODD_TEXTS:
            whole = run_session(built.rail, case.turn(text), [text])
            assert run_session(built.rail, case.turn(text), list(text)).fate == whole.fate

    # What is let out

    def test_the_outcome_does_not_hang_on_the_pieces(self, case: RailCase, built: BuiltRail) -> None:
        """Any two ways to split a text come to the same. Keep what may be part of a match until it cannot be one."""

        def check(text: str, pieces: Sequence[str]) -> None:
            whole = run_session(built.rail, case.turn(text), [text])
            assert run_session(built.rail, case.turn(text), pieces).fate == whole.fate

        for_texts(case, check)

    def test_what_is_out_is_true_whatever_comes(self, case: RailCase, built: BuiltRail) -> None:
        """Text that was let out is the beginning of every outcome. Hold what later text can still change."""

        def check(text: str, pieces: Sequence[str]) -> None:
            run = Run(built.rail, case.turn(text))
            for piece in pieces:
                run.feed(piece)
            for more in ("", *case.examples):
                whole = run_session(built.rail, case.turn(text), [text + more])
                assert whole.text.startswith(run.said.text), f"{run.said.text!r} is out, and then {more!r} comes"

        for_texts(case, check)

    def test_edits_say_what_was_rewritten(self, case: RailCase, built: BuiltRail) -> None:
        """Text and edits of the rulings fit together: the engine counts by them what is out.

        Give each replacement as an `Edit` with its place in the text that was fed, in the ruling that lets it out.
        """

        def check(text: str, pieces: Sequence[str]) -> None:
            said = run_session(built.rail, case.turn(text), pieces)
            assert said.text == said.explained(), f"{text!r} with {said.edits!r}"
            assert said.block is not None or said.held == 0, f"{said.held} characters were never let out"

        for_texts(case, check)
        for text in case.allows:
            edits = run_session(built.rail, case.turn(text), text).edits
            assert not edits, f"{text!r} passes as it is, and yet has {edits}"

    def test_no_character_of_a_violation_is_out_before_it_is_seen(self, case: RailCase, built: BuiltRail) -> None:
        """A violation may come in any pieces. Hold the beginning of what may become one."""
        for text in case.blocks:
            for pieces in telling_splits(text, EXAMPLES):
                said = run_session(built.rail, case.turn(text), pieces)
                assert said.block is not None, f"{text!r} passed in the pieces {pieces!r}"
                begin = said.block.span[0] if said.block.span is not None else 0
                if isinstance(case.blocks, dict):
                    begin = text.index(case.blocks[text])
                assert said.consumed <= begin, f"{said.text!r} of {text!r} was out; the violation begins at {begin}"

    def test_sessions_know_nothing_of_one_another(self, case: RailCase, built: BuiltRail) -> None:
        """Sessions of one rail are fed in turns. Keep what belongs to a stream in its session."""
        texts = case.examples * 2
        alone = [run_session(built.rail, case.turn(text), text).fate for text in texts]
        runs = [Run(built.rail, case.turn(text)) for text in texts]
        for column in zip_longest(*texts, fillvalue=""):
            for run, char in zip(runs, column, strict=True):
                run.feed(char)
        assert [run.finish().fate for run in runs] == alone

    # What it costs

    def test_harmless_text_is_not_held_for_long(self, case: RailCase, built: BuiltRail) -> None:
        """Readers wait for what is held, so it must not grow. Let out what can be no part of a match any more."""
        run, text = Run(built.rail, case.turn("")), harmless(case, length=LONG)
        early = most_held(run, list(text))
        late = most_held(run, list(text * 3))
        assert run.said.block is None, _NOT_HARMLESS
        assert late <= 2 * early + 16, f"at most {early} characters were held at first, and {late} later"

    def test_what_a_session_keeps_does_not_grow(self, case: RailCase, built: BuiltRail) -> None:
        """An answer may be long. Forget what is out."""
        run, turn, text = Run(built.rail, case.turn("")), case.turn(""), harmless(case, length=LONG)
        sizes: list[int] = []
        for _ in range(2):
            for piece in text * (3 if sizes else 1):
                run.session.feed(piece)
            sizes.append(bytes_kept(run.session, besides=(built.rail, turn)))
        grown = sizes[1] - sizes[0]
        assert grown < 2 * len(text), f"the session grew by {grown} bytes in {3 * len(text)} characters"

    def test_the_cost_is_linear_in_the_text(self, case: RailCase, built: BuiltRail) -> None:
        """Four times the text costs about four times the work, counted in lines. Read each character once."""
        almost = [text[:-1] * (-(-LONG // len(text))) for text in case.blocks if len(text) > 1]
        for text in (harmless(case, length=LONG), *almost[:2]):
            lines = [lines_run(run_session, built.rail, case.turn(""), text * times) for times in (1, 1, 4)]
            assert lines[2] <= 8 * lines[1] + 1000, f"{lines[1]} lines for some text, {lines[2]} for four times as much"

    # How it fails

    def test_a_failure_is_raised_and_no_ruling(self, case: RailCase) -> None:
        """`open`, `feed` or `finish` raises where it cannot judge; `on_error` of the configuration says what then."""
        if case.failing is None:
            return
        failing = case.failing.build()
        for text in case.failing.examples or case.examples:
            with pytest.raises(Exception) as raised:  # noqa: PT011  # any error will do
                run_session(failing.rail, case.failing.turn(text), [text])
            assert str(raised.value).strip(), f"{raised.value!r} does not say what went wrong"


_NOT_HARMLESS = "the texts of 'allows', one after another in lines, are blocked; give some that are harmless so, too"


def for_texts(case: RailCase, check: Callable[[str, Sequence[str]], None]) -> None:
    """Try the examples, and texts made of them, in many pieces."""
    for text in (*case.examples, *case.allows):  # the allowed ones again, after something was blocked
        for pieces in telling_splits(text, EXAMPLES):
            check(text, pieces)

    @thorough
    @given(st.data())
    def try_others(data: st.DataObject) -> None:
        text = data.draw(texts_like(case.examples))
        check(text, data.draw(splits(text)))

    try_others()


@st.composite
def texts_like(draw: st.DrawFn, examples: Sequence[str]) -> str:
    """Draw a text: examples, parts of examples, and whatever else, one after another."""
    whole = st.sampled_from(examples)
    part = st.tuples(whole, st.integers(0, 200), st.integers(0, 200)).map(lambda cut: cut[0][cut[1] : cut[2]])
    other = st.sampled_from([" ", "\n", ", ", ". ", "x", "\U0001f600"]) | st.text(max_size=4)
    return "".join(draw(st.lists(st.one_of(whole, part, other), max_size=5)))
