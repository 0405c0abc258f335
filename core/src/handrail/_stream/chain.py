"""One channel of an answer: the stages that its text goes through, and what comes out of them for the consumer.

Rails that observe have a chain of their own beside the stages: they are shown the text, and it passes whatever they
say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail._content import SurrogateJoiner
from handrail._events import Retraction
from handrail._stream.edits import OffsetMap
from handrail._stream.reading import Decoding, Encoding
from handrail._stream.sessions import SessionStage
from handrail._stream.windows import WindowStage

if TYPE_CHECKING:
    from handrail._content import Piece
    from handrail._stream.steps import Check, Item, Step, Stop
    from handrail._types import Channel

Stage: TypeAlias = "SessionStage | WindowStage | Decoding | Encoding | Aside"
"""Takes text, and lets out what its rails have cleared."""


class Chain:
    """The stages of one channel.

    Attributes:
        stages: those that text goes through, in order.
        length: characters that came out of the last of them.
        whole: returns text with its characters whole, as rails read it: half a surrogate pair waits for the other half.
        done: True once all text has come out.
        stopped: the stage that ended the stream.
        waiting: what came out while it was not this chain's turn; None while it is.
    """

    def __init__(
        self, stages: Sequence[Stage], deliver: Callable[[str], Item] | None = None, *, opening: bool = False
    ) -> None:
        self.stages = list(stages)
        self._decodings = [stage for stage in stages if isinstance(stage, Decoding)]
        self._encodings = [stage for stage in stages if isinstance(stage, Encoding)]
        self._joiner = SurrogateJoiner()
        self.whole: Callable[[str], str] = self._joiner.feed if self.stages else _as_it_is
        self.length = 0
        self.done = False
        self.stopped = next((stage for stage in self.stages if stage.stop is not None), None)
        self.waiting: list[Item] | None = None
        self._deliver = deliver
        self._opening = opening  # True while something is to be delivered even without any text

    @property
    def is_quick(self) -> bool:
        """True if its stages may be called directly with the next text: no half of a character waits."""
        return not self._joiner.half and not self._decodings

    @property
    def unchecked(self) -> int:
        """Characters that rails were shown and not every rail has cleared, whether they were delivered or not."""
        return sum([stage.unchecked for stage in self.stages])

    @property
    def running(self) -> int:
        """How many checks rails were asked for and have not answered."""
        return sum([stage.running for stage in self.stages])

    @property
    def guards(self) -> bool:
        """True if any of its rails does more than to observe."""
        return not all(isinstance(stage, Aside) for stage in self.stages)

    @property
    def watched(self) -> bool:
        """True while a rail that observes has not judged all text, most of which may be out."""
        return any(isinstance(stage, WindowStage | Aside) and stage.watched for stage in self.stages)

    def finish(self, step: Step, *, cut: bool) -> None:
        """Take the end of the text.

        Args:
            cut: True if it is not the end of what the model had to say.
            step: what is to be done.
        """
        self.end_of_text_is(cut=cut)
        self.push(self._joiner.finish(), step, finished=True)

    def end_of_text_is(self, *, cut: bool) -> None:
        """Let the stages know whether the end, when it comes, is the end of what the model had to say."""
        for stage in self.stages:
            if isinstance(stage, Decoding | Aside):
                stage.cut = cut

    def leave(self) -> None:
        """Note how far sessions came that nobody finishes."""
        for stage in self.stages:
            if isinstance(stage, SessionStage | Aside):
                stage.leave()

    def push(self, text: str, step: Step, *, finished: bool, behind: Stage | None = None) -> None:
        """Send text through the stages, or through those behind one of them, as far as they let it."""
        stages = self.stages
        if behind is not None:
            stages = [] if behind is stages[-1] else stages[stages.index(behind) + 1 :]
        for stage in stages:
            if not text and not finished:
                break
            text, finished = stage.take(text, step, finished=finished)
            if stage.stop is not None:
                self.stopped = stage
        if text or (finished and self._opening):
            self._opening = False
            self.length += len(text)
            item = text if self._deliver is None else self._deliver(text)
            (step.items if self.waiting is None else self.waiting).append(item)
        self.done = self.done or finished

    def answer(self, check: Check, outcome: object, step: Step, *, now: float, timed_out: bool) -> None:
        """Pass what came of a check to its stage, and what that lets out to the next ones."""
        asked: Any = check.lane.stage  # a window stage, of this chain or of one beside it
        stage: WindowStage | Aside = asked if asked in self.stages else self._aside_of(asked)
        text, finished = stage.answer(check, outcome, step, now=now, timed_out=timed_out)
        if stage.stop is not None:
            self.stopped = stage
        if stage.follower is not None:
            self._insert(stage.follower, behind=stage)
            stage.follower = None
        if text or finished:
            self.push(text, step, finished=finished, behind=stage)

    def _aside_of(self, asked: object) -> Aside:
        return next(stage for stage in self.stages if isinstance(stage, Aside) and stage.asks(asked))

    def _insert(self, follower: WindowStage, *, behind: WindowStage) -> None:
        self.stages.insert(self.stages.index(behind) + 1, follower)
        for encoding in self._encodings:
            if behind in encoding.stages:
                encoding.stages.insert(encoding.stages.index(behind) + 1, follower)

    def retraction(self, channel: Channel) -> Retraction | None:
        """Return what is withdrawn when the stream is stopped: delivered text that some rail has not cleared."""
        if self.waiting is not None:
            return None
        begins = [self.to_delivered(stage, stage.retract) for stage in self.stages if stage.retract is not None]
        begin = min(begins, default=self.length)
        return Retraction(begin, self.length, channel) if begin < self.length else None

    def to_delivered(self, stage: Stage, offset: int) -> int:
        """Turn an offset of a stage's text into one of what was delivered, at most its end."""
        for later in self.stages[self.stages.index(stage) :]:
            offset = later.map.to_output(offset)
        return min(offset, self.length)


class Aside:
    """Passes text on at once, and shows it to the stages of a chain of its own, of which nothing comes out.

    Attributes:
        cut: True if the answer was cut.
        length: characters that have come in.
        stop, cause: None, for what observes ends nothing.
    """

    due = held = unchecked = went_past = 0
    retract = follower = None

    def __init__(self, chain: Chain) -> None:
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

    def leave(self) -> None:
        """Note how far sessions came that nobody finishes."""
        self._chain.leave()

    def _show(self, text: str, step: Step, *, finished: bool) -> None:
        chain = self._chain
        if chain.stopped is not None or chain.done:
            return
        chain.end_of_text_is(cut=self.cut)
        chain.push(text, step, finished=finished)
        self._swallowed.clear()


def retractions(chains: Mapping[tuple[Channel, int], Chain]) -> list[Retraction]:
    """Return what is withdrawn in all channels when the stream is stopped, whichever rail has stopped it."""
    found = [chain.retraction(channel) for (channel, _), chain in chains.items()]
    return [retraction for retraction in found if retraction is not None]


def _as_it_is(text: str) -> str:
    return text
