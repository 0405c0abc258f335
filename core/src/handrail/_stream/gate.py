"""The heart of a guarded stream: decides, and does nothing else. It has no task, no clock, no loop and no callback.

Whoever drives a gate calls `look`, `read`, `finish` or `answer`, and after any of them does what `step` says. The form
is that of h11 and wsproto, which do the same for protocols: everything that waits is outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail._stream.chain import retractions
from handrail._stream.chains import Chains
from handrail._stream.channels import Calls, Channels
from handrail._stream.outcome import record
from handrail._stream.plan import NO_WORDS, RailPlan, Words
from handrail._stream.received import Received
from handrail._stream.steps import NEVER, Step, Stop
from handrail._types import Channel, Chunk, ToolCallDelta
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from handrail._records import CheckRecord
    from handrail._stream.chain import Chain
    from handrail._stream.steps import Check
    from handrail._turn import Turn

_COMPLETE = (None, "stop", "tool_calls", "function_call")
"""Reasons after which nothing is missing of what the model had to say."""


class Gate:
    """Decides what of one answer goes out, and when. Belongs to one stream; nothing in it is shared.

    Args:
        rails: what guards the answer.
        turn: what rails are told of the call, and its journal.
        parallel: whether edits of neighbouring window rails are joined instead of following one another.
        whole: whether window rails are asked one after another, because the text is whole before they see it.
        words: what a user is told after a block or a failure.
        is_json: whether the text was asked for as JSON, so that it has to be.
        as_written: whether rails see the text as it is written, because it is content already.
        inner: whether this is no answer, so that observers are told of checks alone.

    Attributes:
        telling: what tells observers of what goes out and of what ends it.
        step: what is to be done after the last call.
        buffer: text that came and that no rail has seen. A driver may append to it, and call `look` once `due`
            characters of text have come in all.
        due: see `buffer`.
        received: what the provider sent.
        ended: True once nothing more goes out; `step.items` may still have what went out before. `complete`: all did.
        stop, cause: what ended the stream early, and the error behind it.
        error: what broke the generation, to be raised after what could be delivered.
    """

    def __init__(
        self,
        rails: Sequence[RailPlan],
        turn: Turn,
        *,
        parallel: bool = False,
        whole: bool = False,
        words: Words = NO_WORDS,
        is_json: bool = False,
        as_written: bool = False,
        inner: bool = False,
    ) -> None:
        self.turn = turn
        self.telling = None if inner else turn.journal.telling
        self.step = Step()
        self.buffer: list[str] = []
        self.due = 0
        self.received = Received()
        self.ended = self.complete = False
        self.stop: Stop | None = None
        self.cause: BaseException | None = None
        self.error: BaseException | None = None
        self._channels = Channels(rails, turn, parallel=parallel, whole=whole, is_json=is_json, as_written=as_written)
        self._words = words
        self._chains = Chains()
        self._text: Chain | None = None
        self._quick: Chain | None = None  # the same, while `transform` may call its stages directly
        self._blank = ""  # white space that the text begins with, which does not say yet how it is to be read
        self._calls = Calls()
        self._finished = False  # no more will come
        self._stopping = False  # a rail ends the stream, and only others that may end it earlier are waited for

    @property
    def held(self) -> int:
        """Characters that came in and wait for a check."""
        return sum(map(len, self.buffer)) + len(self._blank) + self._chains.held

    @property
    def unchecked(self) -> int:
        """Characters that rails were shown and not every rail has cleared, whether they were delivered or not."""
        return len(self._blank) + self._chains.unchecked

    @property
    def under_way(self) -> list[CheckRecord]:
        """The beginnings of the records of checks that rails were asked for and have not answered."""
        checks = self._chains.under_way
        return [check.lane.plan.record(check.window.channel, check.started_at, check.window) for check in checks]

    @property
    def checking(self) -> bool:
        """True while a check has been asked for and not been answered."""
        return self._chains.running > 0

    def guards(self, channel: Channel) -> bool:
        """Return whether any rail sees this channel."""
        return bool(self._channels.guarding(channel))

    def tell(self, turn: Turn) -> None:
        """Have rails told something else of the call, before its answer begins."""
        self.turn = self._channels.turn = turn

    def look(self, most: int = NEVER) -> bool:
        """Look at what `buffer` has, or at so many characters of it; return whether more is left."""
        if not self.buffer:
            return False
        unseen = self.received.add_text(self.buffer, most)
        if unseen and not self.ended and not self._finished:
            if self._text is None:
                self._begin_text(unseen)
            else:
                self._feed(self._text, unseen)
        return bool(self.buffer)

    def feed(self, text: str) -> None:
        """Take text of the answer, for a driver that does not count."""
        self.buffer.append(text)
        self.look()

    @property
    def only_transforms(self) -> bool:
        """True if the answer's text goes through stream rails alone, so that `transform` may take it."""
        return all(rail.is_stream_rail for rail in self._channels.guarding("text"))

    def transform(self, text: str) -> str:
        """Take a piece of text as `feed` does, and return what goes out at once; for stream rails alone."""
        chain = self._quick
        if chain is None:
            return self._transform_first(text)
        self.received.texts.append(text)
        if not text.isascii():
            text = chain.whole(text)
            if not chain.is_quick:
                self._quick = None
        for stage in chain.stages:
            text = stage.transform(text, self.step)  # type: ignore[union-attr]  # the caller has asked
            if stage.stop is not None:
                chain.stopped = stage
        if chain.stopped is not None and not self.ended:
            self.step.items.extend((text,) if text else ())
            self._take_note(chain)
            return ""
        return text

    def read(self, chunk: Chunk) -> None:
        """Take what came beside the text in a chunk.

        Raises:
            PluginContractError: a tool call is none.
        """
        self.received.add(chunk)
        if chunk.reasoning and not self.ended:
            if (chain := self._chains.get(("reasoning", 0))) is None:
                chain = self._chains["reasoning", 0] = self._channels.reasoning(self.step)
            self._feed(chain, chunk.reasoning)
        for call in chunk.tool_calls:
            if not self.ended:
                self._read_tool_call(call)

    def finish(self, error: BaseException | None = None) -> None:
        """Take the end of what the provider says; what was read is still checked and delivered.

        Args:
            error: what broke the generation.
        """
        if self.ended or self._finished:
            return
        self.look()
        self.error = error
        cut = error is not None or self.received.finish_reason not in _COMPLETE
        if self._blank and self._text is None:
            self._begin_text("", is_last=True)
        self._finished = True
        for index in () if cut else self._calls.empty:  # so that rails see the call at all
            self._feed(self._chains["tool_calls", index], "{}")
        for chain in tuple(self._chains.values()):
            if self.ended:  # the chain before was blocked at its end: nothing of the others may follow
                return
            chain.finish(self.step, cut=cut)
            self._take_note(chain)
        self._settle()

    def answer(self, check: Check, outcome: object, *, now: float = 0.0, timed_out: bool = False) -> None:
        """Take what came of a check that `step` asked for. Each is to be answered once, also if it was cancelled.

        Args:
            check: the check.
            outcome: what the rail returned, or the exception that it raised.
            now: the time on the driver's clock in seconds, for the records.
            timed_out: True if the rail was cut off because its time was over.
        """
        if self.ended:
            check.dropped = True
            self._chains.give_up(check)
            self.turn.journal.note(record(check, now))
            return
        chain = self._chains[check.lane.stage.key]
        if self.buffer and self._text is not None and self.due and check.lane.running == check.lane.slots:
            # A window may have room for it. A first stage that looks at once (`due` is 0) leaves nothing in the buffer.
            self._text.stages[0].receive(self._text.whole(self.received.add_text(self.buffer)), self.step)
            self._chains.touch(self._text)
        items, waiting = self.step.items, len(self.step.items)
        chain.answer(check, outcome, self.step, now=now, timed_out=timed_out)
        if self.telling is not None and len(items) > waiting:
            self.telling.released(list(items)[waiting:])
        self._take_note(chain)
        if self._finished or self._stopping:
            self._settle()

    def end(self, stop: Stop, cause: BaseException | None = None) -> None:
        """End the stream early: nothing that is still held goes out."""
        if self.ended:
            return
        self.stop, self.cause = self._words.on(stop), cause
        if self.telling is not None:
            self.telling.stopped(self.stop)
        self.step.items.append(self.stop)
        self._end()

    def abandon(self) -> None:
        """End the stream because nobody wants it any more; no check begins after this."""
        if not self.ended:
            self._end()

    def _begin_text(self, text: str, *, is_last: bool = False) -> None:
        """Send text through a chain, once it is known how it is to be read."""
        text, self._blank = self._blank + text, ""
        if not is_last and self._channels.is_undecided(text):
            self._blank = text
            return
        is_refusal = bool(self.received.metadata.get("refusal"))
        self._text = self._chains["text", 0] = self._channels.text(text, self.step, is_refusal=is_refusal)
        self._feed(self._text, text)

    def _transform_first(self, text: str) -> str:
        """Take a piece of text as `transform` does, while it is not known that stages may be called directly."""
        self.received.texts.append(text)
        if self._text is None:
            self._begin_text(text)
        else:
            self._feed(self._text, text)
        if self._text is not None and self._text.is_quick:
            self._quick = self._text
        if self.ended:
            return ""
        items = self.step.items
        out = [item for item in items if isinstance(item, str)]  # nothing else comes out of a text
        items.clear()
        return "".join(out)

    def _read_tool_call(self, call: ToolCallDelta) -> None:
        chain = self._chains.get(("tool_calls", call.index))
        if chain is None:
            chain = self._chains["tool_calls", call.index] = self._channels.tool_call(call, self.step)
            if chain.guards:
                self._calls.add(call, chain)
            self._take_note(chain)
        if call.arguments:
            self._calls.empty.discard(call.index)
            self._feed(chain, call.arguments)

    def _feed(self, chain: Chain, text: str) -> None:
        chain.push(chain.whole(text), self.step, finished=False)
        self._take_note(chain)

    def _take_note(self, chain: Chain) -> None:
        """Note what a chain waits for, and end the stream if it says so."""
        self._chains.touch(chain)
        if chain is self._text:
            self.due = chain.stages[0].due if chain.stages else 0
        if self.step.stop_reading:
            self._stopping = True
        stage = chain.stopped
        if stage is not None and stage.stop is not None and not self.ended:
            self.step.items += retractions(self._chains)
            self.end(stage.stop, stage.cause)
        elif chain.done and not self.ended:
            self._calls.go_on(self.step)

    def _settle(self) -> None:
        """End the stream once everything came out; an end that nothing can bring about any more is a failure."""
        if self.ended:
            return
        if self._finished and self._chains.are_done:
            if self.checking and self._chains.are_watched:
                return  # all text is out, but not all of it was judged by rails that observe
            if self.error is None:
                self.complete = True
                self.step.items.append(self.received.finished())
            self._end()
        elif not self.checking:
            self.error = self.error or HandrailError("the stream stopped before all of its text was checked")
            self._end()

    def _end(self) -> None:
        self.ended = self.step.stop_reading = True
        self.due = NEVER
        self._chains.leave(self.step)
