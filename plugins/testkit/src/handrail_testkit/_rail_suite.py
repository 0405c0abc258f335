"""What every rail must do in a guarded model, be it one of windows or of streams."""

# ruff: noqa: S101  # these are tests, which authors of rails run

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest

from handrail_testkit._conformance import EXAMPLES, Conformance
from handrail_testkit._pieces import pieces_of, telling_splits
from handrail_testkit._rail_case import BuiltRail, RailCase
from handrail_testkit._standstill import LONGEST, blocking_calls, running_tasks, shortest_standstill
from handrail_testkit._watching import patience

if TYPE_CHECKING:
    from handrail import Span

    from handrail_testkit._rail_case import Said

LONG = 1000
"""Characters of a text that is more than a window."""

_TELLING = 4
"""Characters that are hardly anywhere by chance."""

ODD_BEGINNING = "\n \U0001f600 \u0130 \u00df \ufb03 e\u0301. "
"""Has other lengths in bytes, in UTF-16, in lower case, folded, normalised and stripped than it has in characters."""


class RailConformance(Conformance, suite=True):
    """Tests of a rail in a guarded model, on asyncio and on trio."""

    @pytest.fixture
    def case(self) -> RailCase:
        """Return which rail is tested, with which settings, and what becomes of some texts."""
        raise NotImplementedError("override the fixture 'case' so that it gives a RailCase with your rail")

    @pytest.fixture
    def built(self, case: RailCase) -> BuiltRail:
        """Compose the rail as a configuration does."""
        return case.build()

    # What becomes of the examples

    def test_the_examples_show_what_passes_and_what_does_not(self, case: RailCase) -> None:
        """A suite proves nothing about a rail that passes everything, or nothing. List examples of both kinds."""
        assert case.allows, "'allows' is empty; list at least one text that must pass"
        assert case.blocks or case.rewrites, (
            "'blocks' and 'rewrites' are empty; give a text that must not pass as it is"
        )

    async def test_allowed_text_is_delivered_as_it_is(self, case: RailCase, built: BuiltRail) -> None:
        """Allowed text is not lost, repeated or changed, however it is cut. Let the rail allow all of it."""
        for text in case.allows:
            for pieces in _ways(case, text):
                said = await _said(built, pieces)
                assert said.outcome == "passed", _why(said)
                assert said.text == text

    async def test_blocked_text_is_never_delivered(self, case: RailCase, built: BuiltRail) -> None:
        """No character of the violation is delivered, however the text is cut.

        A stream rail must hold what may become a violation; a window rail must see it in the window that has it whole.
        If a harmless beginning may be delivered, give the verdict a span, or name the violation in `blocks`.
        """
        for text in case.blocks:
            for pieces in _ways(case, text):
                said = await _said(built, pieces)
                assert said.outcome == "blocked", f"{text!r} in the pieces {pieces!r}: {_why(said)}"
                await _assert_before(built, text, violation_start(case, text, said), said)

    async def test_rewritten_text_is_delivered_exactly(self, case: RailCase, built: BuiltRail) -> None:
        """The replacement is the same however the text is cut. Hold what may have to be rewritten."""
        for text, expected in case.rewrites.items():
            for pieces in _ways(case, text):
                said = await _said(built, pieces)
                assert said.outcome == "passed", _why(said)
                assert said.text == expected, f"in the pieces {pieces!r}"

    async def test_examples_in_a_long_text_fare_the_same(self, case: RailCase, built: BuiltRail) -> None:
        """Windows begin and end anywhere, with harmless text around the violation.

        Judge everything in the window. A rail that judges only whole texts sets `whole` in its `RailSpec`.
        """
        if built.whole:
            return
        around = harmless(case)
        for text in case.blocks:
            said = await _said(built, pieces_of(f"{around}{text}\n{around}", "words"))
            assert said.outcome == "blocked", f"{text!r} in a long text: {_why(said)}"
            await _assert_before(built, around + text, violation_start(case, text, said, after=around), said)
        for text, expected in ({text: text for text in case.allows} | dict(case.rewrites)).items():
            said = await _said(built, pieces_of(f"{around}{text}\n{around}", "words"))
            assert said.outcome == "passed", f"{text!r} in a long text: {_why(said)}"
            assert said.text == f"{around}{expected}\n{around}"

    async def test_places_are_counted_in_characters(self, case: RailCase, built: BuiltRail) -> None:
        """A violation's place is counted in characters of the text as it arrived, including all that precedes it.

        Count neither bytes nor UTF-16, as services may, and search no copy that was folded, normalised or stripped.
        """
        if built.whole:
            return
        for text in case.blocks:
            here, there = await _said(built, [text]), await _said(built, [ODD_BEGINNING + text])
            assert there.outcome != "failed", f"{ODD_BEGINNING + text!r}: {_why(there)}"
            expected, found = _span_of(here), _span_of(there)
            if expected is not None and found is not None:
                begin, end = (place + len(ODD_BEGINNING) for place in expected)
                assert found[0] <= begin <= end <= found[1], f"the span is {found}, where it should be {(begin, end)}"
        for text, rewritten in case.rewrites.items():
            said = await _said(built, [ODD_BEGINNING + text])
            assert said.text.endswith(rewritten), f"{said.text!r} was delivered; it should end with {rewritten!r}"

    # One rail, many streams

    async def test_streams_at_the_same_time_do_not_mix(self, case: RailCase, built: BuiltRail) -> None:
        """What belongs to one stream must not be kept on the rail. Keep it in the session, or in `check`."""
        alone = {text: (await _said(built, pieces_of(text, 5))).facts for text in case.examples}
        found: list[tuple[str, object]] = []

        async def run(text: str) -> None:
            found.append((text, (await _said(built, pieces_of(text, 5))).facts))

        async with anyio.create_task_group() as tasks:
            for text in case.examples * 3:
                tasks.start_soon(run, text)
        for text, facts in found:
            assert facts == alone[text]

    async def test_a_stream_leaves_no_trace_in_the_next(self, case: RailCase, built: BuiltRail) -> None:
        """The same text has the same fate each time, whatever came before it. Keep nothing on the rail."""
        first = [(await _said(built, [text])).facts for text in case.examples]
        again = [(await _said(built, [text])).facts for text in reversed(case.examples)]
        assert again[::-1] == first

    async def test_rails_of_one_kind_are_independent(self, case: RailCase, built: BuiltRail) -> None:
        """A second rail built of the same class changes nothing for the first. Keep nothing on the class or module."""
        first = [(await _said(built, [text])).facts for text in case.examples]
        other = case.build()
        assert [(await _said(other, [text])).facts for text in case.examples] == first
        assert [(await _said(built, [text])).facts for text in case.examples] == first

    def test_it_works_in_one_event_loop_after_another(self, case: RailCase) -> None:
        """A rail is built before any event loop runs and outlives each one. Bind nothing to a loop in `__init__`."""
        built, text = case.build(), case.examples[0]
        facts = [
            anyio.run(partial(_said, built, [text]), backend=backend).facts
            for backend in ("asyncio", "asyncio", "trio", "trio")
        ]
        assert facts == [facts[0]] * 4

    # What it does to others

    async def test_the_event_loop_is_not_held_up(self, case: RailCase, built: BuiltRail) -> None:
        """While this rail holds the event loop, every other stream waits.

        Await network and file access, and run long computations in a thread: `anyio.to_thread.run_sync`.
        A `check` without `async`, a session and an `open` are for what answers at once.
        """
        for text in case.examples[:3]:
            await _said(built, [text])  # what is loaded at the first time is loaded
            calls = await blocking_calls(partial(_said, built, [text]))
            assert not calls, f"it calls {', '.join(calls)}"
            seconds = await shortest_standstill(partial(_said, built, [text]))
            assert seconds <= LONGEST, f"nothing else could run for {seconds:.3f} seconds, with {text!r}"

    async def test_no_task_is_left_behind(self, case: RailCase, built: BuiltRail) -> None:
        """What a rail starts for a text ends with it. Start tasks in a task group, and close what you iterate."""
        for text in case.examples:
            await _said(built, [text])  # what is shared by all streams is there
            before = running_tasks()
            await _said(built, [text])
            left = [name for task, name in running_tasks().items() if task not in before]
            assert not left, f"{text!r} left the tasks {', '.join(left)}"

    async def test_what_it_refuses_is_neither_logged_nor_printed(
        self, case: RailCase, built: BuiltRail, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Logs outlive the answer and have other readers. Say in a `reason` which rule was broken; quote no text."""
        caplog.set_level("INFO")
        for text in case.blocks:
            part = case.blocks[text] if isinstance(case.blocks, Mapping) else text
            await _said(built, [text])
            shown = {"the log": caplog.text, **dict(zip(("stdout", "stderr"), capfd.readouterr(), strict=True))}
            quoting = [where for where, what in shown.items() if part in what and len(part) >= _TELLING]
            assert not quoting, f"{part!r} is quoted in {', '.join(quoting)}"

    # How it fails

    async def test_a_rail_that_cannot_do_its_work_lets_nothing_pass(self, case: RailCase) -> None:
        """An error is raised instead of an invented verdict. Never catch an error in order to allow."""
        if case.failing is None:
            return
        for text in case.failing.examples or case.examples:
            said = await _said(case.failing.build(), [text])
            assert said.outcome == "failed", f"{text!r}: {_why(said)}"
            assert not said.text

    async def test_a_model_that_fails_lets_nothing_pass(self, case: RailCase) -> None:
        """If the model that the rail asks fails, the error propagates. Never catch an error in order to allow."""
        working, failing = case.build(), case.build(models_fail=True)
        for text in case.examples:
            calls = (await _said(working, [text])).delivered.response.llm_calls
            if any(call.task != "general" for call in calls):
                said = await _said(failing, [text])
                assert said.outcome != "passed", f"{text!r} passed although the model of the rail failed"

    async def test_the_secret_appears_nowhere(self, case: RailCase, caplog: pytest.LogCaptureFixture) -> None:
        """Neither `repr`, nor an event, nor an error, nor a log at any level shows the key. Use `SecretStr`."""
        if case.secret is None:
            return
        caplog.set_level("DEBUG")
        shown: dict[str, str] = {}
        for each in filter(None, (case, case.failing)):
            built = each.build()
            shown["the rail's repr"] = repr(built.rail)
            shown["the repr of what it keeps"] = repr(getattr(built.rail, "__dict__", None))
            for text in each.examples or case.examples:
                said = await _said(built, [text])
                shown[f"the events for {text!r}"] = repr(said.delivered.events)
                shown[f"the journal for {text!r}"] = repr(said.delivered.response.rail_runs)
                shown[f"the error for {text!r}"] = "".join(traceback.format_exception(said.delivered.response.error))
        shown["the log"] = caplog.text
        showing = [where for where, what in shown.items() if case.secret in what]
        assert not showing, f"the secret stands in {', '.join(showing)}"


def violation_start(case: RailCase, text: str, said: Said, *, after: str = "") -> int:
    """Return where the part of a blocked text begins of which nothing may be delivered."""
    if isinstance(case.blocks, Mapping):
        part = case.blocks[text]
        assert part in text, f"'blocks' names {part!r} as the violation of {text!r}, which does not have it"
        return len(after) + text.index(part)
    span = _span_of(said)
    return len(after) if span is None else span[0]


def harmless(case: RailCase, *, length: int = LONG) -> str:
    """Return a long text that passes: the allowed examples again and again, a line each."""
    lines = "".join(f"{text}\n" for text in case.allows) or "Nothing.\n"
    return lines * (-(-length // len(lines)))


async def _assert_before(built: BuiltRail, text: str, begin: int, said: Said) -> None:
    """Check that nothing was delivered from where the violation begins on."""
    if not text[:begin].startswith(said.text):  # then the beginning was rewritten
        clean = await _said(built, [text[:begin]])
        assert clean.text.startswith(said.text), f"{said.text!r} of {text!r} was delivered"


def _span_of(said: Said) -> Span | None:
    blocked = said.delivered.blocked
    return None if blocked is None else blocked.span


def _ways(case: RailCase, text: str) -> list[list[str]]:
    return [[text]] if case.direction == "input" else telling_splits(text, EXAMPLES)


async def _said(built: BuiltRail, pieces: list[str]) -> Said:
    with patience(built.case.patience, f"the rail, asked about {''.join(pieces)[:40]!r},"):
        return await built.say(pieces)


def _why(said: Said) -> str:
    blocked, failed = said.delivered.blocked, said.delivered.failed
    if blocked is not None:
        return f"it was blocked ({blocked.reason}), after {said.text!r} had been delivered"
    if failed is not None:
        return f"the rail failed: {failed.error}\n{said.raised}"
    return f"{said.text!r} was delivered"
