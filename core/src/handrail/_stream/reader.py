"""Reads a provider into a gate: owns its stream from the opening to the end, and decides how far ahead it is read."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import anyio.lowlevel

from handrail._stream.backend import Wake, cancelled_from_outside, let_others_run, wake_factory, wake_up
from handrail._stream.source import SLICE, as_chunk, cancelled_inside, close_source, parts
from handrail._stream.steps import item_size
from handrail._types import Chunk
from handrail.errors import AnswerTooLongError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.source import Pieces, Source

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
    """

    def __init__(
        self, gate: Gate, provider: str, *, max_pending: int | None, max_characters: int, is_pushed: bool = False
    ) -> None:
        self.due = _AT_ONCE
        self._is_pushed = is_pushed
        self._gate = gate
        self._provider = provider
        self._max_pending = max_pending
        self._max_characters = max_characters
        self._pause_at = max_characters if max_pending is None else min(max_pending, max_characters)
        self._room: Wake | None = None
        self._rest_at = SLICE
        self._hurry = 0  # how often others are still to be let go on, however much the provider has at hand

    def let_others_go_on(self) -> None:
        """Have the next `pause` wait once: the first check is to begin, or the first text is to go out."""
        self._hurry += 1
        self.due = _AT_ONCE

    def look_again(self) -> None:
        """Ask the gate again how much it waits for, and go on if there is room."""
        self.due = min(self.due, self._gate.due)
        if self._room is not None:
            wake_up(self._room)
            self._room = None

    def count_beside(self, characters: int) -> None:
        """Let what came beside the text use up room as text does."""
        self._pause_at -= characters

    async def pause(self, came: int) -> None:
        """Wait if too much is pending; and let others run after a slice, for a provider may have all at hand.

        Args:
            came: characters of text that have come in all.

        Raises:
            AnswerTooLongError: the answer exceeds its limit.
        """
        if came > self._pause_at or self._hurry:
            if self._gate.received.characters > self._max_characters:
                raise AnswerTooLongError(self._provider, self._max_characters)
            while self._hurry:
                self._hurry -= 1
                await anyio.lowlevel.checkpoint()
            room = await self._find_room()
            self._pause_at = min(came + room, self._max_characters - self._gate.received.beside)
        if came > self._rest_at:
            await let_others_run()
            self._rest_at = came + SLICE
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
        gate, received = self._gate, self._gate.received
        pending = gate.unchecked + (0 if self._is_pushed else sum(map(item_size, gate.step.items)))
        return math.ceil(pending * received.tokens / max(received.characters, 1))


def read(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read an answer to its end; yield whenever the gate may have something to do.

    For each piece text is appended and two numbers are compared; the rest is for when enough has come. Raises nothing
    but cancellation from outside and what ends a program: errors reach the gate.
    """
    return _read_texts(gate, source, pressure) if source.is_texts else _read_chunks(gate, source, pressure)


async def _read_chunks(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    append, came, error = gate.buffer.append, 0, None
    pieces: Pieces | None = None
    try:
        pieces = await source.open(gate)
        async for piece in pieces or _nothing():
            chunk = piece if piece.__class__ is Chunk else as_chunk(piece, source)
            if text := chunk.text:
                append(text)
                came += len(text)
            if (
                chunk.reasoning
                or chunk.tool_calls
                or chunk.usage is not None
                or chunk.finish_reason is not None
                or chunk.metadata is not None
            ):
                before = gate.received.characters
                for part in parts(chunk):
                    gate.read(part)
                    if part is not chunk:
                        yield
                        await let_others_run()
                pressure.count_beside(gate.received.characters - before)
            elif came < pressure.due:
                continue
            while gate.look(SLICE) and not gate.ended:
                yield
                await let_others_run()
            yield
            if gate.ended:
                break
            await pressure.pause(came)
    except BaseException as exc:  # noqa: BLE001  # sorted there; the consumer gets it after what was read
        error = _broken(exc, gate, source)
    finally:
        await _close(gate, source, pieces)
    gate.finish(error)
    yield


async def _read_texts(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read pieces that are texts: making a chunk of each would cost as much as all the rest."""
    append, came, error = gate.buffer.append, 0, None
    pieces: Pieces | None = None
    try:
        pieces = await source.open(gate)
        async for piece in pieces or _nothing():
            text = piece if piece.__class__ is str else as_chunk(piece, source).text
            append(text)
            came += len(text)
            if came < pressure.due:
                continue
            while gate.look(SLICE) and not gate.ended:
                yield
                await let_others_run()
            yield
            if gate.ended:
                break
            await pressure.pause(came)
    except BaseException as exc:  # noqa: BLE001  # sorted there; the consumer gets it after what was read
        error = _broken(exc, gate, source)
    finally:
        await _close(gate, source, pieces)
    gate.finish(error)
    yield


def _broken(error: BaseException, gate: Gate, source: Source) -> Exception:
    """Return what broke the generation.

    Raises:
        BaseException: the error itself, if it is none of the provider's.
    """
    if isinstance(error, Exception):
        return error
    if isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit) or cancelled_from_outside():
        gate.received.add_text(gate.buffer)  # nobody wants it any more, so no rail has to see it
        raise error
    return cancelled_inside(source.provider)


async def _close(gate: Gate, source: Source, pieces: Pieces | None) -> None:
    if pieces is not None:
        await close_source(pieces, source.provider)
    gate.look()  # so that all that came is in what was received
    source.closed(gate.received)


async def _nothing() -> AsyncGenerator[Chunk, None]:
    return
    yield  # makes this a generator
