"""The two ends of a stretch of stages that reads content: raw text goes in decoded, what is let through is encoded.

Between them stages see what the text says (I11). Each notes the pieces of its text that it lets through, and the end
of the stretch brings them back to the content, in the words of which the raw text is written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from handrail._content import ComposedPieces
from handrail._stream.edits import OffsetMap
from handrail._stream.steps import Failure, Stop
from handrail.errors import ContentError

if TYPE_CHECKING:
    from handrail._content import Content, Piece
    from handrail._stream.plan import RailPlan
    from handrail._stream.steps import Step
    from handrail._turn import Journal
    from handrail._types import Channel


class Reads(Protocol):
    """What a stretch needs of a stage in it."""

    @property
    def due(self) -> int:
        """Characters that must have come in before there is anything to do; 0 if it looks at whatever comes."""

    length: int
    went_past: int

    def receive(self, text: str, step: Step) -> None:
        """Take text, and ask nothing yet."""

    def take_pieces(self) -> list[Piece]:
        """Return the pieces of its text that went out since the last time."""


class _End:
    """What both ends are to a chain.

    Attributes:
        stop, cause: how it ended the stream, and the error behind it.
    """

    held = running = unchecked = 0
    retract = follower = None

    def __init__(self, content: Content, rail: RailPlan, channel: Channel, journal: Journal) -> None:
        self.stop: Stop | None = None
        self.cause: BaseException | None = None
        self._content = content
        self._rail = rail
        self._channel = channel
        self._journal = journal

    def _fail(self, error: ContentError, step: Step) -> tuple[str, bool]:
        """End the stream: what the rail has to judge cannot be read, or what it asked for cannot be written."""
        rail, now = self._rail, time.time()
        record = rail.record(self._channel, now)
        record.note_failure(str(error), "contract")
        record.finished_at = now
        if rail.observes:
            record.let_pass()
        self._journal.note(record)
        self.stop = rail.failed(str(error), self._channel, kind="contract")
        self.cause = error
        step.failures.append(Failure(rail.name, rail.plugin, "what it has to judge is not valid JSON", rail.observes))
        return "", False


class Decoding(_End):
    """Reads raw text into its content.

    Attributes:
        cut: True if the answer was cut, so that what is unfinished is read as far as it came.
    """

    def __init__(self, content: Content, first: Reads, rail: RailPlan, channel: Channel, journal: Journal) -> None:
        super().__init__(content, rail, channel, journal)
        self.map = OffsetMap()
        self.cut = False
        self._first = first
        self._raw = 0  # characters that have come in

    @property
    def due(self) -> int:
        """Raw characters that must have come in; content is never longer than what it is written in."""
        due = self._first.due
        return self._raw + max(due - self._first.length, 1) if due else 0

    def receive(self, text: str, step: Step) -> None:
        """Take raw text, and ask nothing yet."""
        if said := self._read(text):
            self._first.receive(said, step)

    def take(self, text: str, step: Step, *, finished: bool) -> tuple[str, bool]:
        """Take raw text; return the content that is certain now."""
        if self.stop is not None:
            return "", False
        said = self._read(text)
        try:
            if finished:
                said += self._content.finish(cut=self.cut)
            elif self._content.failure is not None:
                raise self._content.failure
        except ContentError as error:
            return self._fail(error, step)
        return said, finished

    def _read(self, text: str) -> str:
        self._raw += len(text)
        return self._content.feed(text)


class Encoding(_End):
    """Writes what the stages of a stretch let through.

    Attributes:
        stages: those of the stretch, in order.
        due: 0, for whatever comes goes out.
        map: where offsets of the content lie in the raw text that went out.
    """

    due = 0

    def __init__(
        self,
        content: Content,
        stages: Sequence[Reads],
        rail: RailPlan,
        channel: Channel,
        journal: Journal,
        *,
        retracts: bool,
    ) -> None:
        super().__init__(content, rail, channel, journal)
        self.stages = list(stages)
        self.map = _Places() if retracts else OffsetMap()
        self._composed: dict[Reads, ComposedPieces] = {}
        self._ends: dict[Reads, int] = {}  # up to which offset of the content a stage has let it through
        self._passed: dict[Reads, int] = {}  # how many characters of its text that were
        self._came = self._went = 0

    def receive(self, text: str, step: Step) -> None:
        """Never called, for nothing waits here."""
        raise NotImplementedError

    def take(self, text: str, step: Step, *, finished: bool) -> tuple[str, bool]:
        """Take what the last stage lets through; return it as it is written."""
        try:
            raw = self._content.encode(self._pieces(finished=finished))
            if finished:
                raw += self._content.rest()
        except ContentError as error:
            return self._fail(error, step)
        if isinstance(self.map, _Places):
            self._came += len(text)
            self._went += len(raw)
            self.map.add_place(self._came, self._went)
        return raw, finished

    def _pieces(self, *, finished: bool) -> Sequence[Piece]:
        """Return what went through all stages since the last time, as pieces of the content."""
        passed: list[Piece] = []
        before: Reads | None = None
        began = count = 0  # in the content and in its own text, where the pieces of the stage before begin
        for stage in self.stages:
            own = stage.take_pieces()
            if before is not None:
                composed = self._composed.get(stage)
                if composed is None:
                    composed = self._composed[stage] = ComposedPieces(began)
                    if went_past := stage.went_past - count:
                        own.insert(0, (0, went_past, None))
                    self._passed[stage] = count
                composed.give(passed)
                own = composed.take(own, finished=finished)
            began, count = self._ends.get(stage, began), self._passed.get(stage, 0)
            if own:
                self._ends[stage] = own[-1][1]
                self._passed[stage] = count + sum([end - at if new is None else len(new) for at, end, new in own])
            passed, before = own, stage
        return passed


class _Places(OffsetMap):
    """Where content lies in the raw text: at the last place that is known, which is never too late."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        super().__init__()
        self._places = [(0, 0)]

    def add_place(self, content: int, raw: int) -> None:
        """Note that so much raw text said so much content."""
        self._places.append((content, raw))

    def to_output(self, offset: int) -> int:
        """Return a place in the raw text that is not after an offset of the content."""
        return next(raw for content, raw in reversed(self._places) if content <= offset)
