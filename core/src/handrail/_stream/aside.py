"""Rails that observe, beside the stages that text goes through: they are shown it, and it passes whatever they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from handrail._stream.edits import OffsetMap
from handrail._stream.windows import WindowStage

if TYPE_CHECKING:
    from handrail._content import Piece
    from handrail._stream.steps import Check, Item, Step, Stop


class Shown(Protocol):
    """The chain of what observes, as this needs it."""

    @property
    def stages(self) -> Sequence[object]:
        """The stages, in order."""

    @property
    def stopped(self) -> object | None:
        """The stage that has ended."""

    done: bool
    waiting: list[Item] | None

    def end_of_text_is(self, *, cut: bool) -> None:
        """Let the stages know whether the end, when it comes, is the end of what the model had to say."""

    def push(self, text: str, step: Step, *, finished: bool) -> None:
        """Send text through the stages."""

    def answer(self, check: Check, outcome: object, step: Step, *, now: float, timed_out: bool) -> None:
        """Pass what came of a check to its stage."""


class Aside:
    """Passes text on at once, and shows it to the stages of a chain of its own, of which nothing comes out.

    Attributes:
        cut: True if the answer was cut.
        length: characters that have come in.
        stop, cause: None, for what observes ends nothing.
    """

    due = held = unchecked = went_past = 0
    retract = follower = None

    def __init__(self, chain: Shown) -> None:
        self.stop: Stop | None = None
        self.cause: BaseException | None = None
        self.cut = False
        self.length = 0
        self.map = OffsetMap()
        self._chain = chain
        self._swallowed: list[Item] = []
        self._chain.waiting = self._swallowed

    @property
    def watched(self) -> bool:
        """True while a rail has not judged all text."""
        stages = self._chain.stages
        return self._chain.stopped is None and any(isinstance(stage, WindowStage) and stage.watched for stage in stages)

    @property
    def running(self) -> int:
        """How many checks rails were asked for and have not answered."""
        return sum([stage.running for stage in self._chain.stages if isinstance(stage, WindowStage)])

    def asks(self, stage: object) -> bool:
        """Return whether a stage is one of these."""
        return stage in self._chain.stages

    def receive(self, text: str, step: Step) -> None:
        """Never called, for nothing waits here."""
        raise NotImplementedError

    def take_pieces(self) -> list[Piece]:
        """Never called, for what passes is not divided here."""
        raise NotImplementedError

    def take(self, text: str, step: Step, *, finished: bool) -> tuple[str, bool]:
        """Take text; return it."""
        self.length += len(text)
        self._show(text, step, finished=finished)
        return text, finished

    def transform(self, text: str, step: Step) -> str:
        """Take text that is not the last; return it."""
        return self.take(text, step, finished=False)[0]

    def answer(self, check: Check, outcome: object, step: Step, *, now: float, timed_out: bool) -> tuple[str, bool]:
        """Take what came of a check, which lets nothing out."""
        self._chain.answer(check, outcome, step, now=now, timed_out=timed_out)
        self._swallowed.clear()
        return "", False

    def _show(self, text: str, step: Step, *, finished: bool) -> None:
        chain = self._chain
        if chain.stopped is not None or chain.done:
            return
        chain.end_of_text_is(cut=self.cut)
        chain.push(text, step, finished=finished)
        self._swallowed.clear()
