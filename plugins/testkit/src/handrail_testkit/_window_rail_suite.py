"""What every window rail must do: subclass `WindowRailConformance`, say which rail, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of rails run

from __future__ import annotations

import copy
from collections.abc import Awaitable, Generator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import anyio
import pytest
from handrail import Edit, Verdict, Window

from handrail_testkit._rail_suite import PROMPT, RailConformance

if TYPE_CHECKING:
    from handrail_testkit._rail_case import BuiltRail, RailCase

ODD_TEXTS = (
    "",
    " ",
    "x",
    "\n",
    "\0",
    "\U0001f600",
    "e\u0301",
    "\u202etxet",
    "\ud83d",
    "{{ x }} {% y %} %s {0} \\",
    "a" * 5000,
    "word " * 1000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 200,
)
"""Texts of any size and kind; the last ones are longer than most windows."""

MOST_AWAITS = 24
"""At how many places a check is cancelled at most."""


class WindowRailConformance(RailConformance, suite=True):
    """Tests of one window rail, on asyncio and on trio. A subclass overrides the fixture `case`, and no test."""

    # What a verdict is

    def test_it_has_a_check_that_is_asynchronous(self, case: RailCase, built: BuiltRail) -> None:
        """Write `async def check(self, window, turn)`; a rail with `open` is a stream rail, which has another suite."""
        assert callable(getattr(built.rail, "check", None)), f"{type(built.rail).__name__} has no method check"
        assert not hasattr(built.rail, "open"), "it has open() and so is a stream rail; use StreamRailConformance"
        given = built.rail.check(window_of(case, case.examples[0]), case.turn(case.examples[0]))
        assert isinstance(given, Awaitable), f"check() gave {given!r}; it must be asynchronous"
        close = getattr(given, "close", None)
        if close is not None:
            close()

    async def test_examples_get_the_verdicts_that_they_must_have(self, case: RailCase, built: BuiltRail) -> None:
        """`check` allows, blocks or rewrites as the case says, and gives a `Verdict` made by its own functions."""
        for decision, texts in (("allow", case.allows), ("block", case.blocks), ("rewrite", case.rewrites)):
            for text in texts:
                verdict = await _check(built, case, window_of(case, text))
                assert type(verdict) is Verdict, f"check() gave {verdict!r} for {text!r}; it must give a Verdict"
                assert verdict.decision == decision, f"{text!r}: {verdict.reason}"

    async def test_spans_and_edits_are_places_of_the_whole_text(self, case: RailCase, built: BuiltRail) -> None:
        """A window's text may begin anywhere in the stream. Use `window.span(start, end)` for what a match gives."""
        for text in case.examples:
            here = await _check(built, case, window_of(case, text))
            _assert_within(here, window_of(case, text))
            later = window_of(case, text, offset=1000)
            there = await _check(built, case, later)
            _assert_within(there, later)
            assert _facts(there) == _facts(here, moved=1000)

    async def test_any_text_gets_a_verdict(self, case: RailCase, built: BuiltRail) -> None:
        """Nothing, one character, many, and characters of all planes are text that a model may send."""
        for text in ODD_TEXTS:
            window = window_of(case, text)
            verdict = await _check(built, case, window)
            assert type(verdict) is Verdict, f"check() gave {verdict!r} for {text[:20]!r}"
            _assert_within(verdict, window)

    async def test_what_a_check_is_given_stays_as_it_was(self, case: RailCase, built: BuiltRail) -> None:
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
            await built.rail.check(window_of(case, text), frozen)
            await built.rail.check(window_of(case, text), turn)
            assert (turn.messages, turn.variables, turn.tools) == before

    # Many checks

    async def test_checks_of_one_stream_can_run_at_once_and_in_any_order(
        self, case: RailCase, built: BuiltRail
    ) -> None:
        """Windows are checked side by side, and later ones may be asked about first. Keep nothing between checks."""
        alone = {text: _facts(await _check(built, case, window_of(case, text))) for text in case.examples}
        turn = case.turn(case.examples[0]) if case.direction == "output" else None
        found: list[tuple[str, object]] = []

        async def check(text: str) -> None:
            verdict = await built.rail.check(window_of(case, text), turn or case.turn(text))
            found.append((text, _facts(verdict)))

        with anyio.fail_after(PROMPT):
            async with anyio.create_task_group() as tasks:
                for text in (*case.examples, *reversed(case.examples)):
                    tasks.start_soon(check, text)
        for text, facts in found:
            assert facts == alone[text], f"{text!r}, which was checked beside others"

    async def test_a_check_can_be_cancelled_at_any_await(self, case: RailCase, built: BuiltRail) -> None:
        """Cancellation goes through, promptly and without a verdict, and the next check is as good as any.

        Catch no `BaseException` without `raise`, shield nothing that may take long, and release with `with`.
        """
        for text in case.examples[:3]:
            expected = _facts(await _check(built, case, window_of(case, text)))
            for place in range(1, MOST_AWAITS + 1):
                if not await _cancelled_at(built, case, text, place):
                    break
                again = _facts(await _check(built, case, window_of(case, text)))
                assert again == expected, f"after a check was cancelled at its {place}. await"

    # How it fails

    async def test_a_failure_is_raised_and_no_verdict(self, case: RailCase) -> None:
        """`check` raises an `Exception` where it cannot judge; `on_error` of the configuration says what then."""
        if case.failing is None:
            return
        failing = case.failing.build()
        for text in case.failing.examples or case.examples:
            with pytest.raises(Exception) as raised:  # noqa: PT011  # any error will do
                await _check(failing, case.failing, window_of(case.failing, text))
            assert str(raised.value).strip(), f"{raised.value!r} does not say what went wrong"


def window_of(case: RailCase, text: str, *, offset: int = 0) -> Window:
    """Give a window with this text, which stands somewhere in a stream."""
    end = offset + len(text)
    channel: Literal["text", "tool_calls"] = "text" if case.tool_name is None else "tool_calls"
    return Window(text, offset, offset, end, end, last=True, channel=channel, tool_name=case.tool_name)


async def _check(built: BuiltRail, case: RailCase, window: Window) -> Verdict:
    with anyio.fail_after(PROMPT):
        verdict: Verdict = await built.rail.check(window, case.turn(window.text))
    return verdict


async def _cancelled_at(built: BuiltRail, case: RailCase, text: str, place: int) -> bool:
    """Cancel a check at this await of it; False if it has fewer."""
    coroutine = built.rail.check(window_of(case, text), case.turn(text))
    watched = _CancelAt(coroutine, place)
    given = None
    with anyio.fail_after(PROMPT), anyio.CancelScope() as watched.scope:
        given = await watched
    if not watched.scope.cancel_called:
        return False
    assert given is None, f"check() gave {given!r} although it was cancelled at its {place}. await"
    return True


class _CancelAt:
    """Awaits something, and cancels the scope when it waits for the nth time."""

    def __init__(self, awaited: Awaitable[Any], place: int) -> None:
        self.scope = anyio.CancelScope()
        self._awaited = awaited
        self._left = place

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaited.__await__()
        try:
            waits_for = next(inner)
            while True:
                self._left -= 1
                if self._left == 0:
                    self.scope.cancel()
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001  # whatever the event loop throws is for the check
                    waits_for = inner.throw(error)
                else:
                    waits_for = inner.send(sent)
        except StopIteration as ended:
            return ended.value


def _assert_within(verdict: Verdict, window: Window) -> None:
    begin, end = window.context_start, window.end
    if verdict.span is not None:
        assert begin <= verdict.span[0] <= verdict.span[1] <= end, f"the span {verdict.span} is outside of the window"
    at = begin
    for edit in sorted(verdict.edits, key=lambda edit: (edit.start, edit.end)):
        assert isinstance(edit.replacement, str)
        assert at <= edit.start <= edit.end <= end, f"{edit} overlaps another, or is outside of the window"
        at = edit.end


def _facts(verdict: Verdict, *, moved: int = 0) -> tuple[object, ...]:
    span = verdict.span and (verdict.span[0] + moved, verdict.span[1] + moved)
    edits: Sequence[Edit] = [Edit(e.start + moved, e.end + moved, e.replacement) for e in verdict.edits]
    return verdict.decision, verdict.category, span, edits
