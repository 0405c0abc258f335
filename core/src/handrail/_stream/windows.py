"""The stage of window rails that see the same text: releases what the slowest of them has cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail._foreign import ENDS_A_PROGRAM
from handrail._records import message_of
from handrail._stream.edits import OffsetMap, lowered, merge
from handrail._stream.kept import KeptText, Key, StageText
from handrail._stream.lanes import Lane, first_to_stop
from handrail._stream.outcome import conclude, kind_of, lost, record
from handrail._stream.steps import NEVER, Check, Failure, Stop
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail._stream.plan import RailPlan, Ranked
    from handrail._stream.steps import Step
    from handrail._turn import Turn


class WindowStage(StageText):
    """Holds text back until every holding rail has cleared it.

    Rails in order (of several ranks) read the same windows at the same time, on the assumption that none rewrites.
    When one does, those after it become a stage of their own behind this one, and read again what this one lets out.

    Attributes:
        due: characters that must have come in before there is anything to ask.
        stop, cause: how the stage ended the stream, and the error behind it.
        follower: a stage that was split off and is to be put behind this one.
    """

    def __init__(
        self,
        plans: Sequence[Ranked],
        turn: Turn,
        key: Key = ("text", 0),
        tool_name: str | None = None,
    ) -> None:
        super().__init__(key, tool_name)
        self.due = 1
        self.stop: Stop | None = None
        self.cause: BaseException | None = None
        self._blamed: int | None = None  # where the text begins that an optimistic rail has refused
        self.follower: WindowStage | None = None
        self._turn = turn
        self._journal = turn.journal
        self._doubtful = False  # a rail has refused, and it is not certain yet that this ends the stream
        self._done = False
        self._arrange([Lane(plan, turn.for_rail(plan.rail_id.text), rank, self) for plan, rank in plans])

    def _arrange(self, lanes: list[Lane]) -> None:
        self.lanes = lanes
        self._holding = [lane for lane in lanes if lane.holds]
        self._ahead = 0  # how many of them, from the first on, are known to have cleared more than was released
        self._deciding = [lane for lane in lanes if not lane.plan.observes]
        last = max((lane.rank for lane in lanes), default=0)
        self._may_split = any(lane.rank < last and lane.plan.changes for lane in lanes)
        self._keeps_all = any(lane.plan.defers for lane in self._deciding)

    @property
    def plans(self) -> list[RailPlan]:
        """The rails of the stage."""
        return [lane.plan for lane in self.lanes]

    @property
    def retract(self) -> int | None:
        """From which offset on some rail with `stream_first` has not cleared the text; None if there is none."""
        begins = [lane.cleared for lane in self._deciding if lane.plan.stream_first]
        if self._blamed is not None:
            begins.append(self._blamed)
        return min(begins, default=None)

    @property
    def held(self) -> int:
        """Characters that came in and were not released."""
        return self.length - self.released

    @property
    def unchecked(self) -> int:
        """Characters that came in and not every rail has cleared, whether they were released or not."""
        return self.length - min([lane.cleared for lane in self._deciding], default=self.length)

    @property
    def running(self) -> int:
        """How many checks rails were asked for and have not answered, dropped ones included."""
        return sum([lane.running for lane in self.lanes])

    @property
    def under_way(self) -> list[Check]:
        """Checks that rails were asked for and have not answered."""
        waiting = [check for lane in self.lanes for check in lane.waiting]
        return [check for check in waiting if check.started_at and check.verdict is None and check.failure is None]

    @property
    def watched(self) -> bool:
        """True while a rail that observes has not judged all text."""
        return len(self.lanes) > len(self._deciding) and not all(lane.complete for lane in self.lanes)

    def receive(self, text: str, step: Step) -> None:
        """Take text, and ask nothing yet."""
        self.kept.append(text)
        self.length += len(text)
        for lane in self.lanes:
            try:
                lane.feed(text)
            except ENDS_A_PROGRAM:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary: a strategy failed
                self._fail(lane, exc, step)

    def take(self, text: str, step: Step, *, finished: bool) -> tuple[str, bool]:
        """Take text; return what can go out, and whether that was all."""
        if self._done:
            return "", False
        if text:
            self.receive(text, step)
        if finished and not self.finished:
            self._finish(step)
        if self.stop is None and (self.finished or self.length >= self.due):
            self._ask(self.lanes, step)
        if self.stop is None and (self.finished or not self._holding):
            return self._settle()
        return "", False

    def answer(self, check: Check, outcome: object, step: Step, *, now: float, timed_out: bool) -> tuple[str, bool]:
        """Take what came of a check; return what can go out, and whether that was all."""
        lane: Lane = check.lane  # type: ignore[assignment]  # one of these made it
        was_full = lane.running == lane.slots
        lane.running -= 1
        if check.dropped:
            self._journal.note(record(check, now))
        else:
            conclude(check, outcome, now=now, timed_out=timed_out, step=step)
            lane.advance(check, now, step)
            self._journal.note(check.run)  # type: ignore[arg-type]  # made by `conclude`
            if lane.rewrote and self._may_split:
                self._split(lane, step)
            self._doubtful = self._doubtful or lane.refused is not None
            if self._doubtful and not self.stopping:
                self._confirm(step)
        if self.stop is None and (was_full or self.finished or self._doubtful or lane.stage is not self):
            self._ask((lane,) if lane.stage is self else self.lanes, step)
        return self._settle() if self.stop is None else ("", False)

    def _finish(self, step: Step) -> None:
        self.finished = True
        for lane in self.lanes:
            try:
                lane.finish()
            except ENDS_A_PROGRAM:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as in receive
                self._fail(lane, exc, step)

    def _ask(self, lanes: Sequence[Lane], step: Step) -> None:
        """Ask strategies for windows, as far as their rails have a free slot."""
        due = NEVER if lanes is self.lanes else self.due  # the others wait for what they have waited for
        for lane in lanes:
            try:
                lane.ask(step)
            except ENDS_A_PROGRAM:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as in receive
                self._fail(lane, exc, step)
                if self.stop is not None:
                    return
            if lane.due < due:
                due = lane.due
        if self._doubtful and not self.stopping:  # a rail that has nothing left to ask has cleared everything
            self._confirm(step)
        self.due = due if self._holding else self.length + 1

    def _split(self, lane: Lane, step: Step) -> None:
        """Let the rails after one that rewrites begin again, on what comes out of this stage."""
        if not (moved := [other for other in self.lanes if other.rank > lane.rank]):
            return
        follower = WindowStage((), self._turn, self.key, self.tool_name)
        follower.length = follower.released = self.released
        follower.map, self.map = self.map, OffsetMap()
        if self._pieces is not None:
            follower._pieces = []
            follower.went_past = follower._went = self._went
        origins = [other.restart_at(self.released) for other in moved]
        may_judge_all = any(other.plan.defers and other.plan.changes for other in moved)
        first = 0 if may_judge_all else min(origins)
        follower.kept = KeptText(self.kept.slice(first, self.released), first)
        follower._arrange(moved)
        self._arrange([other for other in self.lanes if other.rank <= lane.rank])
        for other, origin in zip(moved, origins, strict=True):
            try:
                other.restart(follower, origin, step)
                if read_again := follower.kept.slice(origin, self.released):
                    other.feed(read_again)
            except ENDS_A_PROGRAM:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as in receive
                self._fail(other, exc, step)
        self._doubtful = any(other.refused is not None for other in self.lanes)
        self.follower = follower

    def _confirm(self, step: Step) -> None:
        """See whether a refusal is certain: no rail before the one that refused may still change what it has read."""
        for lane in self.lanes:
            if lane.refused is not None and self._certain(lane, lane.refused):
                self.stopping = step.stop_reading = True
                return

    def _certain(self, lane: Lane, check: Check) -> bool:
        end = check.window.end
        return all(
            other.cleared >= end  # text that has passed it only, and is held, it may still change
            for other in self.lanes
            if other.rank < lane.rank and other.plan.changes
        )

    def _settle(self) -> tuple[str, bool]:
        """Release what every holding rail has cleared; end when a rail has stopped the stream or all is checked."""
        holding = self._holding
        limit = holding[0].cleared if len(holding) == 1 else self._cleared_by_all()
        text = self._release(limit) if limit > self.released else ""
        if self.stopping:
            if (stopper := first_to_stop(self._deciding)) is not None:
                self._end(stopper)
        elif self.finished and not self._done and all(lane.complete for lane in self._deciding):
            self._done = True
            return text + self._release(self.length), True
        return text, False

    def _cleared_by_all(self) -> int:
        """Return up to where every holding rail has cleared the text, and `released` while one has cleared no more.

        That one is looked at first, for with many rails most answers change nothing.
        """
        holding = self._holding
        while self._ahead < len(holding):
            if holding[self._ahead].cleared <= self.released:
                return self.released
            self._ahead += 1
        self._ahead = 0
        return min([lane.cleared for lane in holding], default=self.length)

    def _release(self, limit: int) -> str:
        lanes = self.lanes
        edits = lanes[0].edits if len(lanes) == 1 else [edit for lane in lanes for edit in lane.edits]
        if edits:
            edits = merge(edits)
            limit = lowered(limit, edits)
            for lane in lanes:
                lane.edits = [edit for edit in lane.edits if edit.end > limit]
        text = self._pass_on(limit, edits)
        if not self._keeps_all:
            self.kept.needed_from = self._needed_from() if self._may_split else limit
        return text

    def _needed_from(self) -> int:
        return min([self.released, *(lane.restart_at(self.released) for lane in self.lanes)])

    def _end(self, lane: Lane) -> None:
        check, plan = lane.stopped_by, lane.plan
        if check is None:  # pragma: no cover  # the caller has looked
            return
        self._done, verdict = True, check.verdict
        if plan.stream_first and verdict is not None and verdict.span is not None:
            self._blamed = verdict.span[0]
        if check.failure is not None:
            kind = check.run.failure if check.run is not None and check.run.failure is not None else "raised"
            self.stop = plan.failed(str(check.failure), self.channel, kind=kind)
            self.cause = check.failure
        elif verdict is not None:
            self.stop = plan.blocked(verdict, self.channel)

    def _fail(self, lane: Lane, exc: BaseException, step: Step) -> None:
        """End the stream because a strategy failed, without which nobody knows what its rail has to see."""
        if self.stop is not None:
            return
        label, plan = lane.plan.strategy_plugin, lane.plan
        step.failures.append(Failure(plan.name, label, f"its strategy failed: {type(exc).__name__}", plan.observes))
        if plan.observes:
            self._lose(lane, exc)
            return
        self._done = self.stopping = step.stop_reading = True
        error = (
            str(exc) if isinstance(exc, PluginContractError) else f"{label}: {type(exc).__name__}: {message_of(exc)}"
        )
        self.stop, self.cause = plan.failed(error, self.channel, kind=kind_of(exc)), exc

    def _lose(self, lane: Lane, exc: BaseException) -> None:
        """Go on without a rail that observes and that nobody can show its text."""
        lane.lose()
        self._journal.note(lost(lane.plan, self.channel, exc))
