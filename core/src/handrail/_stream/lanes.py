"""A window rail in one stream: asks its strategy for windows, keeps their verdicts in order, knows what is cleared."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from handrail._stream.edits import lowered, merge
from handrail._turn import RailRun
from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError, RailError

if TYPE_CHECKING:
    from handrail._stream.plan import RailPlan
    from handrail._stream.windows import WindowStage
    from handrail._stream.workers import Worker

_NEVER = 2**62


class Check:
    """One window that a rail was asked about, and what came of it."""

    __slots__ = ("asked_at", "dropped", "failure", "run", "verdict", "window", "worker")

    def __init__(self, window: Window, run: RailRun, asked_at: float) -> None:
        self.window = window
        self.asked_at = asked_at  # on the event loop's clock
        self.run = run
        self.verdict: Verdict | None = None
        self.failure: RailError | None = None
        self.worker: Worker | None = None
        self.dropped = False  # True if an earlier window did not pass, so that the answer no longer matters

    @property
    def done(self) -> bool:
        """True once the rail has answered or failed."""
        return self.verdict is not None or self.failure is not None


class Lane:
    """One rail of a stage.

    Attributes:
        cleared: text up to here has passed the rail.
        edits: what it wants replaced in there, and the stage has not replaced yet.
    """

    def __init__(self, plan: RailPlan, stage: WindowStage) -> None:
        if plan.make_strategy is None:  # pragma: no cover  # the compiler gives every window rail one
            raise PluginContractError(f"rail {plan.name!r} has no strategy", plugin=plan.plugin)
        self.plan = plan
        self.cleared = 0
        self.edits: list[Edit] = []
        self.stopped_by: Check | None = None  # the first window, in their order, that did not pass
        self.complete = False  # every character was in a window that passed
        self._strategy = plan.make_strategy()
        self._gathers = hasattr(self._strategy, "needs")
        self.idle: list[Worker] = []  # workers that have no check
        self._stage = stage
        self._waiting: deque[Check] = deque()  # in the order of their windows
        self._running = 0
        self._window_end = 0
        self._owed: list[Edit] = []  # edits of the last window that reach into its held tail
        self._accepted: list[Edit] = []  # edits that windows to come may repeat
        self._finished = False
        self.stopping = False  # True once no further window will be asked about

    @property
    def busy(self) -> bool:
        """True while a check runs."""
        return self._running > 0

    @property
    def needs(self) -> int:
        """How many more characters must come before it is worth feeding the strategy and asking it."""
        if self._running >= self.plan.max_concurrency or self.stopping:
            return _NEVER
        return max(self._strategy.needs, 1) if self._gathers else 1  # type: ignore[attr-defined]  # an optional attribute

    def feed(self, text: str) -> None:
        """Give the strategy more text."""
        self._strategy.feed(text)

    def finish(self) -> None:
        """Tell the strategy that no more text will come."""
        self._finished = True
        self._strategy.finish()

    def stop(self) -> None:
        """Ask about no further windows."""
        self.stopping = True

    def pump(self) -> None:
        """Ask for windows while there is a free slot.

        Raises:
            PluginContractError: the strategy gave a window that does not fit.
        """
        while self._running < self.plan.max_concurrency and not self.stopping:
            window = self._strategy.window()
            if window is None:
                break
            self._start(window)
        if self._finished:
            self._settle_end()

    def resolve(self, check: Check) -> None:
        """Take the outcome of a check, and everything that waited for it in order."""
        self._running -= 1
        if check.dropped:
            return
        if check.failure is not None or (check.verdict and check.verdict.decision == "block"):
            self.stopping = True
            self._drop_after(check)
        while self._waiting and self._waiting[0].done and self.stopped_by is None:
            self._pass(self._waiting.popleft())
        self.pump()

    def _start(self, window: Window) -> None:
        self._validate(window)
        self._window_end = window.end
        run = RailRun(
            self.plan.name,
            self.plan.direction,
            characters=len(window.text),
            started_at=time.time(),
            window=(window.context_start, window.end),
        )
        if self._stage.channel != "text":
            window = replace(window, channel=self._stage.channel, tool_name=self._stage.tool_name)
        check = Check(window, run, self._stage.now())
        self._waiting.append(check)
        self._running += 1
        self._stage.start(self, check)

    def _validate(self, window: Window) -> None:
        end = self._window_end
        fits = (
            isinstance(window, Window)
            and window.start == end
            and 0 <= window.context_start <= window.start
            and window.start < window.end <= self._stage.length
            and window.clears <= window.end
            and len(window.text) == window.end - window.context_start
            and self._stage.holds(window.text[window.start - window.context_start :], window.start)
        )
        if not fits:
            shown = window if not isinstance(window, Window) else (window.context_start, window.start, window.end)
            raise PluginContractError(
                f"{self.plan.strategy_plugin}: the strategy gave the window {shown!r} (context_start, start, end); "
                f"it must start at {end}, where the last one ended, end at most at {self._stage.length}, "
                f"and have the text that stands there",
                plugin=self.plan.strategy_plugin,
            )

    def _settle_end(self) -> None:
        if not self._waiting and not self.complete and self.stopped_by is None and not self.stopping:
            if self._window_end < self._stage.length:
                raise PluginContractError(
                    f"{self.plan.strategy_plugin}: the strategy ended at {self._window_end} of {self._stage.length} "
                    f"characters; its windows must cover all text",
                    plugin=self.plan.strategy_plugin,
                )
            self.complete = True
            self._accept(self._owed)
            self._owed = []
            self.cleared = self._stage.length

    def _drop_after(self, check: Check) -> None:
        """Cancel the checks of later windows: whatever they say no longer matters."""
        while self._waiting and self._waiting[-1] is not check:
            later = self._waiting.pop()
            later.dropped = True
            if not later.done and later.worker is not None:
                later.worker.cancel()

    def _pass(self, check: Check) -> None:
        verdict = check.verdict
        if not self.plan.stream_first:
            check.run.held = self._stage.now() - check.asked_at
        if verdict is None or verdict.decision == "block":
            self.stopped_by = check
            return
        clears, seen_from = check.window.clears, check.window.context_start
        edits = [edit for edit in self._owed if edit.start < seen_from]  # this window could not judge them again
        if verdict.edits:
            edits = merge([*edits, *(edit for edit in verdict.edits if not self._known(edit))])
            if edits and edits[0].start < self.cleared:
                self.stopped_by = check
                check.failure = self._too_late(edits[0])
                return
        self._owed = [edit for edit in edits if edit.end > clears]
        self._accepted = [edit for edit in self._accepted if edit.end >= seen_from]
        self._accept([edit for edit in edits if edit.end <= clears])
        self.cleared = max(self.cleared, lowered(clears, edits))

    def _accept(self, edits: list[Edit]) -> None:
        self.edits.extend(edits)
        self._accepted.extend(edits)

    def _known(self, edit: Edit) -> bool:
        """Tell whether a window that repeats released text only repeats an edit that was applied to it."""
        return any(done.start <= edit.start and edit.end <= done.end for done in self._accepted)

    def _too_late(self, edit: Edit) -> RailError:
        return RailError(
            f"{self.plan.plugin}: rail {self.plan.name!r} rewrites characters {edit.start} to {edit.end}, of which "
            f"those before {self.cleared} had passed it; a larger hold_size lets it see them in time",
            rail=self.plan.name,
            plugin=self.plan.plugin,
        )
