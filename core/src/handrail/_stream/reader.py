"""Reads a provider into a gate: owns its stream from the opening to the end, and decides how far ahead it is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Self

import anyio.lowlevel

from handrail._stream.backend import Wake, let_others_run, wake_factory, wake_up
from handrail._stream.source import LONG_SLICE, SLICE, as_chunk, close_source, kept_error, parts
from handrail._stream.steps import item_size
from handrail._types import Chunk
from handrail.errors import AnswerTooLongError, PluginContractError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.source import Source

_AT_ONCE = -1


class Pressure:
    """Holds back whoever feeds a gate.

    Args:
        gate: the gate.
        provider: who feeds it, for errors.
        max_pending: how many tokens may have been fed and wait for a check or for the consumer; None for no limit.
        max_characters: how long the answer may be in all, reasoning and tool calls included.
        is_pushed: True if whoever feeds the gate takes what goes out, so that it must not wait for that.

    Attributes:
        due: characters of text that must have come before there is more to do than to append it.
        at_once: characters that the gate may look at before others run.
    """

    def __init__(
        self, gate: Gate, provider: str, *, max_pending: int | None, max_characters: int, is_pushed: bool = False
    ) -> None:
        self.due, self.at_once = _AT_ONCE, SLICE
        self._is_pushed = is_pushed
        self._gate = gate
        self._provider = provider
        self._max_pending = max_pending
        self._max_characters = max_characters
        self._pause_at = max_characters if max_pending is None else min(max_pending, max_characters)
        self._beside = 0  # characters that came beside the text, as far as they were counted
        self._room: Wake | None = None
        self._rest_at = SLICE
        self._hurry = 0  # how often others are still to be let go on, however much the provider has at hand

    def let_others_go_on(self) -> None:
        """Have the next `pause` wait once: the first check is to begin, or the first text is to go out."""
        self._hurry += 1
        self.due = _AT_ONCE

    def look_again(self) -> None:
        """Ask the gate again how much it waits for, and go on if there is room."""
        if self._gate.due < self.due:
            self.due = self._gate.due
        if self._room is not None:
            wake_up(self._room)
            self._room = None

    def lets_pass(self, came: int) -> bool:
        """Return whether `pause` has nothing to do but to say when there is more."""
        return came <= self._pause_at and came <= self._rest_at and not self._hurry

    async def waits_for_more(self, came: int) -> bool:
        """Pause, if the gate has nothing to look for yet in what has come; return whether that is so."""
        if came >= self._gate.due or self._gate.ended:
            return False
        await self.pause(came)
        return True

    async def pause(self, came: int) -> None:
        """Wait if too much is pending; and let others run after a slice, for a provider may have all at hand.

        Args:
            came: characters of text that have come in all.

        Raises:
            AnswerTooLongError: the answer exceeds its limit.
        """
        beside = self._gate.received.beside
        self._pause_at -= beside - self._beside  # what comes beside the text uses up room as text does
        self._beside = beside
        if came > self._pause_at or self._hurry:
            if came + beside > self._max_characters:
                raise AnswerTooLongError(self._provider, self._max_characters)
            while self._hurry:
                self._hurry -= 1
                await anyio.lowlevel.checkpoint()
            room = await self._find_room()
            self._pause_at = min(came + room, self._max_characters - beside)
        self.at_once = LONG_SLICE if self._gate.due else SLICE
        if came > self._rest_at:
            await let_others_run()
            self._rest_at = came + self.at_once
        self.due = min(self._gate.due, self._pause_at + 1, self._rest_at + 1)

    async def _find_room(self) -> int:
        """Wait, if more than `max_pending` is pending, until only half of that is; return how much may be read.

        With no check running and nothing to take, only more text can help, so then there is no waiting, whatever
        the sizes of windows.
        """
        if self._max_pending is None:
            return self._max_characters
        gate, room = self._gate, self._max_pending - self._pending_tokens()
        enough = 0 if room >= 0 else self._max_pending // 2
        new_wake = wake_factory()
        while room < enough and (gate.checking or (gate.step.items and not self._is_pushed)):
            self._room = new_wake()
            await self._room
            room = self._max_pending - self._pending_tokens()
        return max(room, self._max_pending // 8, 1)  # a token is at least one character

    def _pending_tokens(self) -> int:
        """Count, never too low, the tokens that were read and wait for a check or for the consumer."""
        gate = self._gate
        pending = gate.unchecked + (0 if self._is_pushed else sum(map(item_size, gate.step.items)))
        return gate.received.tokens(pending, gate.buffer)


def read(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read an answer to its end; yield whenever the gate may have something to do.

    For each piece text is appended and two numbers are compared; the rest is for when enough has come. Raises nothing
    but cancellation from outside and what ends a program: errors reach the gate.
    """
    return _read_texts(gate, source, pressure) if source.is_texts else _read_chunks(gate, source, pressure)


async def _read_chunks(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    append, came = gate.buffer.append, 0
    async with _Provider(gate, source) as provider:
        async for piece in provider.pieces:
            chunk = piece if piece.__class__ is Chunk else as_chunk(piece, source)
            if text := chunk.text:
                append(text)
                came += len(text)
            if chunk.reasoning or chunk.tool_calls or chunk.usage or chunk.finish_reason or chunk.metadata:
                for part in parts(chunk):
                    gate.read(part)
                    if part is not chunk:
                        yield
                        await let_others_run()
            elif came < pressure.due or await pressure.waits_for_more(came):
                continue
            while gate.look(pressure.at_once) and not gate.ended:
                yield
                await let_others_run()
            yield
            if gate.ended:
                break
            await pressure.pause(came)
    gate.finish(provider.error)
    yield


async def _read_texts(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read pieces that are texts: making a chunk of each would cost as much as all the rest."""
    append, came = gate.buffer.append, 0
    async with _Provider(gate, source) as provider:
        async for piece in provider.pieces:
            text = piece if piece.__class__ is str else as_chunk(piece, source).text
            append(text)
            came += len(text)
            if came < pressure.due or await pressure.waits_for_more(came):
                continue
            while gate.look(pressure.at_once) and not gate.ended:
                yield
                await let_others_run()
            yield
            if gate.ended:
                break
            await pressure.pause(came)
    gate.finish(provider.error)
    yield


class _Provider:
    """The stream of a provider from its opening to its end.

    Attributes:
        pieces: what it yields; nothing if the call has ended before.
        error: what broke the generation.
    """

    def __init__(self, gate: Gate, source: Source) -> None:
        self.pieces: Any = None
        self.error: Exception | None = None
        self._gate = gate
        self._source = source

    async def __aenter__(self) -> Self:
        try:
            self.pieces = await self._source.open(self._gate)
        except BaseException as exc:
            self._sort(exc)
            await self._close()
            if self.error is None:
                raise
        if self.pieces is None:
            self.pieces = _nothing()
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Close the stream; an error of the provider stays here, for the consumer gets it after what was read."""
        if error is not None:
            self._sort(error)
        await self._close()
        return self.error is not None

    def _sort(self, error: BaseException) -> None:
        self.error = kept_error(error, self._source.provider, self.pieces)
        if self.error is None:
            self._gate.received.add_unseen(self._gate.buffer)

    async def _close(self) -> None:
        if self.pieces is not None:
            await close_source(self.pieces, self._source.provider)
        try:
            self._gate.look()  # so that all that came is in what was received
        except PluginContractError as exc:  # what came last is no text, and counting its characters has failed
            self.error = exc
        self._source.closed(self._gate.received)


async def _nothing() -> AsyncGenerator[Chunk, None]:
    return
    yield  # makes this a generator
