"""The stage of window rails that see the same text: releases what the slowest of them has cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail._events import RailFailed, Retraction
from handrail._stream.edits import OffsetMap, apply, lowered, merge
from handrail._stream.lanes import Check, Lane
from handrail._types import Channel, Edit
from handrail.errors import PluginContractError, RailTimeoutError

if TYPE_CHECKING:
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.plan import StagePlan
    from handrail._stream.sinks import Stage


class WindowStage:
    """Holds text back until every holding rail has cleared it."""

    def __init__(
        self, plans: StagePlan, host: Pipeline, down: Stage, channel: Channel, tool_name: str | None = None
    ) -> None:
        self.length = 0  # characters that the strategies have seen
        self.due = 1  # characters that must have come in before it is worth asking the strategies
        self._incoming: list[str] = []  # what came in, and they have not seen
        self.take_in = self._incoming.append
        self.channel = channel
        self.tool_name = tool_name
        self._host = host
        self._down = down
        self._lanes = [Lane(plan, self) for plan in plans]
        self._holding = [lane for lane in self._lanes if not lane.plan.stream_first]
        self._floor = 0  # what the slowest holding rail has cleared
        self._laggards = len(self._holding) or 1  # how many have cleared no more than that; never 0 without any
        self._incomplete = len(self._lanes)  # rails that have not passed everything
        self.came = 0  # characters that came in; whoever uses `take_in` keeps count of them
        self._pieces: list[str] = []  # what they have seen and was not released
        self.released = 0  # characters of the input that went out
        self._map = OffsetMap()
        self._finished = False  # no more will come in
        self._stopping = False  # a rail has refused or failed
        self._done = False

    def feed(self, text: str) -> None:
        """Take text, and start what checks it makes possible."""
        self._incoming.append(text)
        self.came += len(text)
        if self.came >= self.due:
            self.look()

    def finish(self) -> None:
        """Take note that no more will come, and check what is left."""
        self._finished = True
        if not self._feed_lanes():
            return
        for lane in self._lanes:
            try:
                lane.finish()
                lane.pump()
            except Exception as exc:  # noqa: BLE001  # the plugin boundary: a strategy failed
                self._fail(lane, exc)
                return
        self._incomplete = sum(not lane.complete for lane in self._lanes)
        self._settle()

    @property
    def held(self) -> int:
        """How many characters came in and were not released."""
        return self.length - self.released + sum(map(len, self._incoming))

    def look(self) -> None:
        """Ask the strategies for windows, as far as their rails have a free slot."""
        if not self._feed_lanes():
            return
        for lane in self._lanes:
            try:
                lane.pump()
            except Exception as exc:  # noqa: BLE001  # the plugin boundary, as in finish
                self._fail(lane, exc)
                return
        if not self._holding:
            self._release_to(self.length)
            self.due = self.length + 1
        else:
            self.due = self.length + min([lane.needs for lane in self._lanes])

    def _feed_lanes(self) -> bool:
        """Give the strategies what they have not seen; False if one of them failed."""
        if not self._incoming:
            return True
        unseen = "".join(self._incoming)
        self._incoming.clear()
        self._pieces.append(unseen)
        self.length += len(unseen)
        for lane in self._lanes:
            try:
                lane.feed(unseen)
            except Exception as exc:  # noqa: BLE001  # the plugin boundary, as in finish
                self._fail(lane, exc)
                return False
        return True

    def start(self, lane: Lane, check: Check) -> None:
        """Have a check run."""
        self._host.start_check(self, lane, check)

    def resolve(self, lane: Lane, check: Check) -> None:
        """Take the outcome of a check."""
        if self._host.ended or self._done:
            return
        if not self._feed_lanes():
            return
        cleared, complete = lane.cleared, lane.complete
        try:
            lane.resolve(check)
        except Exception as exc:  # noqa: BLE001  # the plugin boundary, as in finish
            self._fail(lane, exc)
            return
        self.due = min(self.due, self.length + lane.needs)
        if lane.stopping and not self._stopping:
            self._stop_asking()
        self._advanced(lane, cleared, was_complete=complete)

    def holds(self, text: str, start: int) -> bool:
        """Tell whether this is the text from `start` on, as far as it was not released yet."""
        ahead = max(self.released - start, 0)
        return self._unreleased().startswith(text[ahead:], start + ahead - self.released)

    def now(self) -> float:
        """Give the time on the event loop's clock, in seconds."""
        return self._host.clock()

    def to_delivered(self, offset: int) -> int:
        """Follow an offset through this stage's edits and on."""
        return self._down.to_delivered(self._map.to_output(offset))

    def _stop_asking(self) -> None:
        """A window did not pass: no rail is asked about anything more."""
        self._stopping = True
        self._host.stop_reading()
        for lane in self._lanes:
            lane.stop()

    def _advanced(self, lane: Lane, cleared: int, *, was_complete: bool) -> None:
        """Settle if it was this rail that the others waited for; with many rails that is seldom."""
        if lane.complete and not was_complete:
            self._incomplete -= 1
        if cleared == self._floor < lane.cleared and not lane.plan.stream_first:
            self._laggards -= 1
        if self._stopping or not self._laggards or not self._incomplete:
            self._settle()

    def _settle(self) -> None:
        """Release what every holding rail has cleared; end when a rail has stopped the stream or all is checked."""
        if self._holding:
            every = [lane.cleared for lane in self._holding]
            self._floor = min(every)
            self._laggards = every.count(self._floor)
            self._release_to(self._floor)
        if self._host.ended:
            return
        if self._stopping:
            if (stopper := self._stopper()) is not None:
                self._stop(stopper)
        elif self._finished and not self._incomplete and not self._done:
            self._done = True
            self._release_to(self.length)
            self._down.finish()

    def _stopper(self) -> Lane | None:
        """Give the rail that stops the stream at the earliest character, once no other can come before it."""
        stopped = [lane for lane in self._lanes if lane.stopped_by is not None]
        if not stopped:
            return None
        first = min(stopped, key=lambda lane: lane.cleared)
        waits = any(lane.busy and lane.stopped_by is None and lane.cleared < first.cleared for lane in self._lanes)
        return None if waits else first

    def _release_to(self, limit: int) -> None:
        if limit <= self.released:
            return
        edits = merge([edit for lane in self._lanes for edit in lane.edits])
        if edits:
            limit = lowered(limit, edits)
            if limit <= self.released:
                return
        text, count = self._unreleased(), limit - self.released
        piece, self._pieces = text[:count], [text[count:]]
        if edits:
            piece = self._edited(piece, [edit for edit in edits if edit.end <= limit], limit)
        self.released = limit
        if piece:
            self._down.feed(piece)

    def _unreleased(self) -> str:
        """Give what the strategies have seen and was not released; joined only now, for it may be much for long."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def _edited(self, piece: str, edits: list[Edit], limit: int) -> str:
        self._map.add(edits)
        for lane in self._lanes:
            lane.edits = [edit for edit in lane.edits if edit.end > limit]
        return apply(piece, self.released, edits)

    def _stop(self, lane: Lane) -> None:
        check = lane.stopped_by
        if check is None:  # pragma: no cover  # the caller has looked
            return
        self._done = True
        plan, verdict = lane.plan, check.verdict
        self._retract(lane, verdict.span[0] if verdict and verdict.span else lane.cleared)
        if check.failure is not None:
            timed_out = isinstance(check.failure, RailTimeoutError)
            event = RailFailed(plan.name, plan.direction, str(check.failure), timed_out, self.channel)
            self._host.end(event, check.failure)
        elif verdict is not None:
            self._host.end(plan.blocked(verdict, self.channel))

    def _retract(self, lane: Lane, start: int) -> None:
        if not lane.plan.stream_first:
            return
        begin = self.to_delivered(min(start, lane.cleared))
        end = self._down.to_delivered(2**62)
        if begin < end:
            self._host.put(Retraction(begin, end, self.channel))

    def _fail(self, lane: Lane, exc: Exception) -> None:
        self._done = True
        label = lane.plan.strategy_plugin
        error = str(exc) if isinstance(exc, PluginContractError) else f"{label}: {type(exc).__name__}: {exc}"
        self._retract(lane, lane.cleared)
        self._host.end(RailFailed(lane.plan.name, lane.plan.direction, error, channel=self.channel), exc)
