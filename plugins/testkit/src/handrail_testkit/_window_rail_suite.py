"""What every window rail must do: subclass `WindowRailConformance`, say which rail, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of rails run

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from handrail import Edit, Verdict

from handrail_testkit._awaits import MOST_AWAITS, Cancelled, Failed, Held
from handrail_testkit._rail_case import window_of
from handrail_testkit._rail_suite import RailConformance, harmless
from handrail_testkit._watching import patience

if TYPE_CHECKING:
    from handrail import Span, Turn, Window

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

LONG_WINDOW = 4000
"""Characters of a window that is longer than what many classifiers take."""

MOST_BORDERS = 8
"""At about how many places what must be seen is cut in two."""


class WindowRailConformance(RailConformance, suite=True):
    """Tests of one window rail, on asyncio and on trio. A subclass overrides the fixture `case`, and no test."""

    # What a verdict is

    async def test_it_has_a_check(self, case: RailCase, built: BuiltRail) -> None:
        """Write `async def check(self, window, turn)`, or a plain `def` for rules that answer at once.

        A plain function runs on the event loop, without a task. A rail with `open` is a stream rail, which has another
        suite, unless its `RailSpec` says `stateful=True`: then `open(turn)` returns an object with
        `async def check(self, window)`.
        """
        if built.stateful:
            session = built.rail.open(case.turn(case.examples[0]))
            assert inspect.iscoroutinefunction(getattr(session, "check", None)), (
                f"open() returned a {type(session).__name__}; it must return an object with async check(window)"
            )
        else:
            assert callable(getattr(built.rail, "check", None)), f"{type(built.rail).__name__} has no method check"
            assert not hasattr(built.rail, "open"), "it has open() and so is a stream rail; use StreamRailConformance"
        verdict = await _check(built, case, window_of(case, case.examples[0]))
        assert type(verdict) is Verdict, f"check() returned {verdict!r}; it must return a Verdict, or be asynchronous"

    async def test_examples_get_the_verdicts_that_they_must_have(self, case: RailCase, built: BuiltRail) -> None:
        """`check` allows, blocks or rewrites as the case says, and gives a `Verdict` made by its own functions."""
        for decision, texts in (("allow", case.allows), ("block", case.blocks), ("rewrite", case.rewrites)):
            for text in texts:
                verdict = await _check(built, case, window_of(case, text))
                assert type(verdict) is Verdict, f"check() returned {verdict!r} for {text!r}; it must return a Verdict"
                assert verdict.decision == decision, f"{text!r}: {verdict.reason}"

    async def test_spans_and_edits_are_places_of_the_whole_text(self, case: RailCase, built: BuiltRail) -> None:
        """A window's text may begin anywhere in the stream. Use `window.span(*match.span())` for a match."""
        for text in case.examples:
            here = await _check(built, case, window_of(case, text))
            _assert_within(here, window_of(case, text))
            later = window_of(case, text, offset=1000)
            there = await _check(built, case, later)
            _assert_within(there, later)
            assert _facts(there) == _facts(here, moved=1000)

    async def test_what_lies_across_two_windows_is_seen(self, case: RailCase, built: BuiltRail) -> None:
        """A window repeats the end of the one before, so text that a border cuts in two is whole in the next window.

        Judge all of `window.text`, not only the new part, which begins at `window.start`.
        """
        if built.whole or case.direction == "input":
            return
        for text in case.examples:
            here = await _check(built, case, window_of(case, text))
            for begin, end in _places(case, text, here):
                for start in range(begin + 1, end, max(1, (end - begin) // MOST_BORDERS)):
                    there = await _check(built, case, window_of(case, text, start=start))
                    cut = f"{text[begin:end]!r}, which begins in one window and ends in the next"
                    assert there.decision == here.decision, f"check() returned {there!r} for {cut}"
                    _assert_edited(there, here, start)

    async def test_a_long_window_is_judged_to_its_end(self, case: RailCase, built: BuiltRail) -> None:
        """A configuration may make windows long. Judge a long text in pieces instead of truncating it for a model."""
        if built.whole:
            return
        for text in case.blocks:
            verdict = await _check(built, case, window_of(case, harmless(case, length=LONG_WINDOW) + text))
            assert verdict.decision == "block", f"{text!r} at the end of a long window: check() returned {verdict!r}"

    async def test_any_text_gets_a_verdict(self, case: RailCase, built: BuiltRail) -> None:
        """Nothing, one character, many, and characters of all planes are text that a model may send."""
        for text in ODD_TEXTS:
            window = window_of(case, text)
            verdict = await _check(built, case, window)
            assert type(verdict) is Verdict, f"check() returned {verdict!r} for {text[:20]!r}"
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
            for given in (frozen, turn):
                await _ask(built, window_of(case, text), given)
            assert (turn.messages, turn.variables, turn.tools) == before

    # Many checks

    async def test_checks_of_one_stream_can_run_at_once_and_in_any_order(
        self, case: RailCase, built: BuiltRail
    ) -> None:
        """Windows are checked concurrently, and later ones may be checked first. Keep no state between checks."""
        alone = {text: _facts(await _check(built, case, window_of(case, text))) for text in case.examples}
        turn = case.turn(case.examples[0]) if case.direction == "output" else None
        found: list[tuple[str, object]] = []

        async def check(text: str) -> None:
            verdict = await _ask(built, window_of(case, text), turn or case.turn(text))
            found.append((text, _facts(verdict)))

        with patience(case.patience * len(case.examples), "checks at once"):
            async with anyio.create_task_group() as tasks:
                for text in (*case.examples, *reversed(case.examples)):
                    tasks.start_soon(check, text)
        for text, facts in found:
            assert facts == alone[text], f"{text!r}, which was checked beside others"

    async def test_a_check_can_be_cancelled_at_any_await(self, case: RailCase, built: BuiltRail) -> None:
        """Cancellation ends a check promptly and without a verdict, and the next check works as usual.

        Catch no `BaseException` without `raise`, shield nothing that may take long, and release with `with`.
        """
        if _answers_at_once(built, case):
            return
        for text in case.examples[:3]:
            expected = _facts(await _check(built, case, window_of(case, text)))
            for place in range(1, MOST_AWAITS + 1):
                if not await _cancelled_at(built, case, text, place):
                    break
                again = _facts(await _check(built, case, window_of(case, text)))
                assert again == expected, f"after a check was cancelled at its {place}. await"

    async def test_a_check_does_not_wait_for_another(self, case: RailCase, built: BuiltRail) -> None:
        """Windows are checked concurrently, or the last one would wait for all others. Hold no lock across an await.

        One check is held at each of its awaits, and meanwhile another one must finish.
        """
        if _answers_at_once(built, case):
            return
        for place in range(1, MOST_AWAITS + 1):
            if not await _passed_at(built, case, case.examples[0], place):
                break

    async def test_streams_of_a_stateful_rail_share_nothing(self, case: RailCase, built: BuiltRail) -> None:
        """What a session has seen is its own. Keep nothing on the rail that `check` changes."""
        if not built.stateful:
            return
        alone = {text: _facts(await _check(case.build(), case, window_of(case, text))) for text in case.examples}
        sessions = {text: built.rail.open(case.turn(text)) for text in case.examples}
        for text, session in reversed(sessions.items()):
            with patience(case.patience, "check()"):
                verdict = await session.check(window_of(case, text))
            assert _facts(verdict) == alone[text], f"{text!r}, which was checked beside other streams"

    # How it fails

    async def test_what_fails_at_any_await_lets_nothing_pass(self, case: RailCase, built: BuiltRail) -> None:
        """A connection may break at each await. Raise what cannot be judged, and catch nothing in order to allow."""
        if _answers_at_once(built, case):
            return
        for text in [*case.blocks, *case.rewrites][:3]:
            for place in range(1, MOST_AWAITS + 1):
                if not await _failed_at(built, case, text, place):
                    break

    async def test_a_failure_is_raised_and_no_verdict(self, case: RailCase) -> None:
        """`check` raises an `Exception` where it cannot judge; `on_error` of the configuration says what then."""
        if case.failing is None:
            return
        failing = case.failing.build()
        for text in case.failing.examples or case.examples:
            with pytest.raises(Exception) as raised:  # noqa: PT011  # any error will do
                await _check(failing, case.failing, window_of(case.failing, text))
            assert str(raised.value).strip(), f"{raised.value!r} does not say what went wrong"


async def _check(built: BuiltRail, case: RailCase, window: Window) -> Verdict:
    with patience(case.patience, f"check(), asked about {window.text[:40]!r},"):
        return await _ask(built, window, case.turn(window.text))


async def _ask(built: BuiltRail, window: Window, turn: Turn) -> Verdict:
    """Ask a rail, whether its `check` is asynchronous or a plain function."""
    given = built.asked(window, turn)
    verdict: Verdict = await given if isinstance(given, Awaitable) else given
    return verdict


async def _cancelled_at(built: BuiltRail, case: RailCase, text: str, place: int) -> bool:
    """Cancel a check at this await of it; False if it has fewer."""
    asked = Cancelled(_begin(built, case, text), place)
    given = None
    with patience(case.patience, "check()"), asked.scope:
        given = await asked
    if not asked.reached:
        return False
    assert given is None, f"check() returned {given!r} although it was cancelled at its {place}. await"
    return True


async def _failed_at(built: BuiltRail, case: RailCase, text: str, place: int) -> bool:
    """Have a check fail at this await of it; False if it has fewer."""
    expected = _facts(await _check(built, case, window_of(case, text)))
    asked = Failed(_begin(built, case, text), place)
    with patience(case.patience, "check()"):
        try:
            verdict = await asked
        except Exception:  # noqa: BLE001  # which error it raises is its own affair
            return True
    assert _facts(verdict) == expected, f"check() returned {verdict!r} although its {place}. await failed"
    return asked.left < 1


async def _passed_at(built: BuiltRail, case: RailCase, text: str, place: int) -> bool:
    """Hold a check at this await of it until another has ended; False if it has fewer."""
    window, turn = window_of(case, text), case.turn(text)
    expected = _facts(await _check(built, case, window))
    asked, found = Held(_begin(built, case, text, turn), place), []

    async def run() -> None:
        found.append(_facts(await asked))
        asked.held.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await asked.held.wait()
        with anyio.move_on_after(case.patience) as scope:
            found.append(_facts(await _ask(built, window, turn)))
        asked.go_on.set()
    assert not scope.cancelled_caught, f"a check waits until another has ended, which is held at its {place}. await"
    assert found == [expected] * 2
    return asked.reached


def _begin(built: BuiltRail, case: RailCase, text: str, turn: Turn | None = None) -> Awaitable[Any]:
    asked: Awaitable[Any] = built.asked(window_of(case, text), turn or case.turn(text))
    return asked


def _answers_at_once(built: BuiltRail, case: RailCase) -> bool:
    """Return whether `check` is a plain function, which has no await."""
    asked = built.asked(window_of(case, case.examples[0]), case.turn(case.examples[0]))
    if inspect.iscoroutine(asked):
        asked.close()
    return not isinstance(asked, Awaitable)


def _places(case: RailCase, text: str, verdict: Verdict) -> list[Span]:
    """Return where the parts of a text stand for which it is not allowed as it is; all of it if it is allowed."""
    if text in case.blocks and isinstance(case.blocks, Mapping):
        begin = text.index(case.blocks[text])
        return [(begin, begin + len(case.blocks[text]))]
    return [(edit.start, edit.end) for edit in verdict.edits] or [verdict.span or (0, len(text))]


def _assert_edited(there: Verdict, here: Verdict, start: int) -> None:
    """Check that what reaches into the new part is edited as it is in a window of its own."""
    missing = [edit for edit in here.edits if edit.end > start and edit not in there.edits]
    assert not missing, f"check() edits {there.edits!r} where {missing!r} begins before the new part"


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
