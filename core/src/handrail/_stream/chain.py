"""One channel of an answer: the stages that its text goes through, and what comes out of them for the consumer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from handrail._events import ReasoningDelta
from handrail._stream.sessions import SessionStage
from handrail._stream.windows import Key, WindowStage
from handrail._types import ToolCallDelta

if TYPE_CHECKING:
    from handrail._stream.plan import StagePlan
    from handrail._stream.steps import Check, Item, Step
    from handrail._turn import Turn

Stage: TypeAlias = SessionStage | WindowStage
"""Takes text, and lets out what its rails have cleared."""


class Chain:
    """The stages of one channel.

    Attributes:
        stages: those that text goes through, in order.
        length: characters that came out of the last of them.
        done: True once all text has come out.
        stopped: the stage that ended the stream.
    """

    def __init__(
        self, stages: Sequence[Stage], deliver: Callable[[str], Item] | None = None, *, opening: bool = False
    ) -> None:
        self.stages = list(stages)
        self.length = 0
        self.done = False
        self.stopped: Stage | None = None
        self._deliver = deliver
        self._opening = opening  # True while something is to be delivered even without any text

    @classmethod
    def of(cls, plans: Sequence[StagePlan], turn: Turn, step: Step, key: Key, opening: ToolCallDelta) -> Chain:
        """Build the chain of a channel.

        Args:
            plans: its stages.
            turn: what sessions are told of the call, and the journal.
            step: takes note of a session that cannot be opened.
            key: which channel it is and, of tool calls, which call.
            opening: for a tool call, the fragment that opened it.
        """
        stages: list[Stage] = []
        channel = key[0]
        for plan in plans:
            if isinstance(plan, tuple):
                stages.append(WindowStage(plan, turn.journal, key, opening.name))
            else:
                session = SessionStage(plan, turn, channel)
                session.open(step)
                stages.append(session)
        if channel == "tool_calls":
            chain = cls(stages, _ToolCall(opening), opening=opening.name is not None)
        else:
            chain = cls(stages, None if channel == "text" else ReasoningDelta)
        chain.stopped = next((stage for stage in stages if stage.stop is not None), None)
        return chain

    @property
    def due(self) -> int:
        """Characters that must have come in before there is anything to do."""
        return self.stages[0].due if self.stages else 0

    def receive(self, text: str, step: Step) -> None:
        """Let the first stage have text about which nothing is to be asked yet."""
        self.stages[0].receive(text, step)

    def push(self, text: str, step: Step, *, finished: bool, index: int = 0) -> None:
        """Send text through the stages from `index` on, as far as they let it."""
        for stage in self.stages[index:] if index else self.stages:
            if not text and not finished:
                break
            text, finished = stage.take(text, step, finished=finished)
            if stage.stop is not None:
                self.stopped = stage
        if text or (finished and self._opening):
            self._opening = False
            self.length += len(text)
            step.items.append(text if self._deliver is None else self._deliver(text))
        self.done = self.done or finished

    def answer(self, check: Check, outcome: object, step: Step, *, now: float, timed_out: bool) -> None:
        """Pass what came of a check to its stage, and what that lets out to the next ones."""
        stage = check.lane.stage
        text, finished = stage.answer(check, outcome, step, now=now, timed_out=timed_out)
        if stage.stop is not None:
            self.stopped = stage
        index = self.stages.index(stage) + 1
        if stage.follower is not None:
            self.stages.insert(index, stage.follower)
            stage.follower = None
        if text or finished:
            self.push(text, step, finished=finished, index=index)

    def to_delivered(self, stage: Stage, offset: int) -> int:
        """Turn an offset of a stage's text into one of what was delivered, at most its end."""
        for later in self.stages[self.stages.index(stage) :]:
            offset = later.map.to_output(offset)
        return min(offset, self.length)


class _ToolCall:
    """Makes fragments of a tool call; its id and name go out with the first of them."""

    def __init__(self, opening: ToolCallDelta) -> None:
        self._opening = opening

    def __call__(self, arguments: str) -> ToolCallDelta:
        opening, self._opening = self._opening, ToolCallDelta(self._opening.index)
        return ToolCallDelta(opening.index, opening.id, opening.name, arguments)


NO_OPENING = ToolCallDelta(0)
