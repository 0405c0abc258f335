"""A window rail in one stream: its strategy, its checks in the order of their windows, and what it has cleared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from handrail._stream.edits import lowered, merge, unapplied
from handrail._stream.outcome import DEFERRED, fail_late
from handrail._stream.steps import NEVER, Check
from handrail._stream.strategies import begin
from handrail._types import Edit, Window
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from handrail._stream.kept import StageText
    from handrail._stream.plan import RailPlan
    from handrail._stream.steps import Step
    from handrail._turn import Turn

_PASSES = ("allow", "rewrite")
_SOME = 32  # windows that passed and may be remembered for longer than needed
_place = attrgetter("cleared", "rank")


class Lane:
    """One rail of a stage.

    Attributes:
        turn: what the rail is told of the call.
        rank: its place among the rails of the stage; those of one rank judge the text side by side, later ones judge
            what the earlier ones make of it.
        stage: the stage that it is part of.
        holds: whether text waits for the rail.
        feed: passes more text to the strategy.
        due: characters that must have come into the stage before it is worth asking the strategy.
        running: its checks that have not been answered, dropped ones included; each holds a slot.
        slots: how many checks it may have.
        cleared: text up to here has passed the rail.
        edits: what it wants replaced in what is cleared, and the stage has not replaced yet.
        refused: the first window, as far as is known, that did not pass.
        stopped_by: the same once every earlier window has been answered.
        complete: True once every character was in a window that passed.
        judge: asks the rail, or the session that it opens for this stream.
        rewrote: True once it has asked for an edit, or has put off its judgement until it has seen the whole text.
        lost: True once the strategy of a rail that observes has failed, so that it is asked nothing more.
    """

    def __init__(self, plan: RailPlan, turn: Turn, rank: int, stage: StageText) -> None:
        if plan.make_strategy is None:  # pragma: no cover  # the planner gives every window rail one
            raise PluginContractError(f"rail {plan.name!r} has no strategy", plugin=plan.plugin)
        self.plan, self.turn = plan, turn
        self.holds = plan.holds
        self.slots = plan.max_concurrency
        self._make_strategy = plan.make_strategy
        self.rank = rank
        self.running = 0
        self.begin(stage, 0)

    def begin(self, stage: StageText, origin: int) -> None:
        """Begin to read at this offset, as if nothing had been read; what its stage has released stays cleared."""
        self.stage = stage
        self.cleared = stage.released
        self.edits: list[Edit] = []
        self.waiting: deque[Check] = deque()
        self.refused: Check | None = None
        self.stopped_by: Check | None = None
        self.complete = self.rewrote = self.lost = False
        self._applied: list[Edit] = []  # edits that windows to come may repeat
        self._owed: list[Edit] = []  # edits that reach into what is held
        self._origin = self._window_end = origin
        # of windows that passed: what they clear, and from where on to read to see again what edits beyond that need
        self._passed: deque[tuple[int, int]] = deque()
        self._deferred = self._exhausted = self._is_shown = False
        self._worth_at = 0  # characters that must have come in before the strategy is asked again
        self.judge = self.plan.judge()
        self._strategy = begin(self._make_strategy)
        self._gathers = hasattr(self._strategy, "needs")
        self.feed: Callable[[str], object] = self._strategy.feed
        self.due = 0

    @property
    def busy(self) -> bool:
        """True while a check runs whose answer matters."""
        return bool(self.waiting) and self.stopped_by is None

    def finish(self) -> None:
        """Let the strategy know that no more text will come."""
        if not self.lost:
            self._strategy.finish()

    def lose(self) -> None:
        """Ask nothing more."""
        self.lost = self.complete = True
        self.feed, self.due = _ignore, NEVER

    def ask(self, step: Step) -> None:
        """Ask the strategy for windows while there is a free slot.

        Raises:
            PluginContractError: the strategy made a window that does not fit.
        """
        stage, self.due = self.stage, NEVER
        if self.lost:
            return
        while self.running < self.slots and self.refused is None and not stage.stopping:
            waits = stage.length < self._worth_at and not stage.finished
            if waits or (window := self._next_window()) is None:
                self._exhausted = stage.finished
                self.due = NEVER if self._deferred else self._worth_at
                break
            self._window_end = window.end
            self.running += 1
            check = Check(self, window)
            self.waiting.append(check)
            step.start.append(check)
        if self._exhausted and not self.waiting and self.refused is None:
            self._end()

    def advance(self, check: Check, now: float, step: Step) -> None:
        """Take an answer, and whatever has waited for it in the order of the windows."""
        verdict = check.verdict
        if verdict is None or verdict.decision not in _PASSES:
            self._drop_after(check, step)
            if verdict is DEFERRED:  # nothing more is asked before the end, and then everything at once
                self.rewrote = self._deferred = True
                self._window_end = check.window.start
            else:
                self.refused = check
        waiting = self.waiting
        while waiting and self.stopped_by is None:
            check = waiting[0]
            if check.verdict is None and check.failure is None:
                return
            waiting.popleft()
            if check.run is not None and self.holds:
                check.run.held = now - check.asked_at
            if not self._pass(check, step):
                self.refused = self.stopped_by = check

    def restart_at(self, released: int) -> int:
        """Return the offset from which this rail must read again if all after `released` changes."""
        passed = self._passed
        while len(passed) > 1 and passed[1][0] <= released:
            passed.popleft()
        return passed[0][1] if passed and passed[0][0] <= released else self._origin

    def restart(self, stage: StageText, origin: int, step: Step) -> None:
        """Throw away every check and begin again at an offset, in another stage."""
        for check in self.waiting:
            self._drop(check, step)
        applied = [edit for edit in self._applied if edit.end <= stage.released]
        self.begin(stage, origin)
        self._applied = applied

    def _next_window(self) -> Window | None:
        stage, end = self.stage, self._window_end
        if self._deferred:
            if not stage.finished or end == stage.length:
                return None
            window = Window(stage.kept.slice(0, stage.length), 0, end, stage.length, stage.length, last=True)
        else:
            made = self._strategy.window()
            needs = self._strategy.needs if self._gathers else 0  # type: ignore[attr-defined]  # an optional one
            if made is None:
                self._worth_at = stage.length + max(needs, 1)
                return self._empty_window() if stage.finished else None
            self._worth_at = stage.length + needs
            window = self._moved(made) if self._origin else made
            if not (
                isinstance(window, Window)
                and window.start == end
                and 0 <= window.context_start <= end < window.end <= stage.length
                and window.clears <= window.end
                and len(window.text) == window.end - window.context_start
                and stage.kept.holds(window.text, window.context_start)
            ):
                raise self._unfit(window)
        if stage.channel != "text":
            window = replace(window, channel=stage.channel, tool_name=stage.tool_name)
        return window

    def _empty_window(self) -> Window | None:
        """Return, once, a window of a tool call that says nothing: a rail may judge it by its name."""
        stage = self.stage
        if self._is_shown or stage.channel != "tool_calls" or stage.length:
            return None
        self._is_shown = True
        return Window("", 0, 0, 0, 0, last=True, channel="tool_calls", tool_name=stage.tool_name)

    def _moved(self, window: object) -> Window:
        """Move a window of a strategy that was begun in mid-text to where it is in the whole text."""
        if not isinstance(window, Window):
            raise PluginContractError(f"{self.plan.strategy_plugin}: the strategy made a window that is no Window")
        at = self._origin
        return replace(
            window,
            context_start=window.context_start + at,
            start=window.start + at,
            end=window.end + at,
            clears=window.clears + at,
        )

    def _unfit(self, window: object) -> PluginContractError:
        """Make the error for a window that is none of this text, or not the next one."""
        shown: object = type(window).__name__
        if isinstance(window, Window):
            shown = (window.context_start, window.start, window.end)
        return PluginContractError(
            f"{self.plan.strategy_plugin}: the strategy made the window {shown!r} (context_start, start, end); "
            f"it must start at {self._window_end}, where the last one ended, end at most at {self.stage.length}, "
            f"and have the text that is there",
            plugin=self.plan.strategy_plugin,
        )

    def _end(self) -> None:
        """Clear everything: every window has passed, and there will be no other."""
        length = self.stage.length
        if self._window_end < length:
            raise PluginContractError(
                f"{self.plan.strategy_plugin}: the strategy ended at {self._window_end} of {length} characters; "
                f"its windows must cover all text",
                plugin=self.plan.strategy_plugin,
            )
        self.complete = True
        self.edits += self._owed
        self._owed = []
        self.cleared = length

    def _pass(self, check: Check, step: Step) -> bool:
        """Clear what a window clears; False if it does not pass, or what its rail asks for comes too late."""
        window, verdict = check.window, check.verdict
        if verdict is None or verdict.decision not in _PASSES:
            return verdict is DEFERRED
        edits: list[Edit] = self._owed
        still_owed = any(edit.end > window.clears for edit in edits)
        begins = self._passed[-1][1] if still_owed and self._passed else window.context_start
        if verdict.edits:
            fresh = self._trimmed(verdict.edits, window)
            if fresh is None or any(edit.start < self.cleared for edit in fresh):
                fail_late(check, verdict.edits[0], self.cleared, step)
                return False
            edits = merge([*edits, *fresh])
            self.rewrote = self.rewrote or bool(fresh)
        if edits or self._applied:
            self._settle(edits, window)
        elif window.clears > self.cleared:
            self.cleared = window.clears
        self._passed.append((window.clears, begins))
        if len(self._passed) > _SOME:
            self.restart_at(self.stage.released)
        return True

    def _settle(self, edits: list[Edit], window: Window) -> None:
        """Accept the edits that end in what is cleared; those that reach further stand, and wait for more text."""
        clears = window.clears
        self._owed = [edit for edit in edits if edit.end > clears]
        accepted = [edit for edit in edits if edit.end <= clears]
        self.edits += accepted
        begins = min(window.context_start, self.restart_at(self.stage.released))
        self._applied = [edit for edit in (*self._applied, *accepted) if edit.end >= begins]
        self.cleared = max(self.cleared, lowered(clears, edits))

    def _trimmed(self, edits: tuple[Edit, ...], window: Window) -> list[Edit] | None:
        """Return what is new in these edits; None if text that has passed would have to change.

        A rail that has put off its judgement replaces everything at once: what has passed must be how that begins.
        """
        if self._deferred and (edits[0].start, edits[0].end) == (0, window.end):
            whole, passed = edits[0].replacement, self.stage.kept.slice(0, self.cleared)
            return [Edit(self.cleared, window.end, whole[self.cleared :])] if whole.startswith(passed) else None
        return [left for edit in edits if (left := unapplied(edit, self._applied)) is not None]

    def _drop_after(self, check: Check, step: Step) -> None:
        """Cancel the checks of later windows: whatever they say no longer matters."""
        while self.waiting and self.waiting[-1] is not check:
            self._drop(self.waiting.pop(), step)

    def _drop(self, check: Check, step: Step) -> None:
        if not check.answered:
            check.dropped = True
            step.cancel.append(check)


def _ignore(text: str) -> None:
    """Do nothing with text of which nothing is asked any more."""


def first_to_stop(lanes: Sequence[Lane]) -> Lane | None:
    """Return the rail that stops the stream at the earliest character, once no other can come before it."""
    stopped = [lane for lane in lanes if lane.stopped_by is not None]
    if not stopped:
        return None
    first = min(stopped, key=_place)
    return None if any(lane.busy and _place(lane) < _place(first) for lane in lanes) else first
