"""Reads a provider into a gate: owns the provider's stream from its opening to its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from handrail._stream.backend import cancelled_from_outside
from handrail._stream.source import as_chunk, cancelled_inside, close_source
from handrail._types import Chunk

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.pressure import Pressure
    from handrail._stream.source import Pieces, Source


async def read(gate: Gate, source: Source, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read an answer to its end; yield whenever the gate may have something to do.

    Raises nothing but cancellation from outside and what ends a program: errors reach the gate.
    """
    error: Exception | None = None
    try:
        pieces = await source.open(gate)
        if pieces is not None:
            reader = _read_texts if source.is_texts else _read
            async with aclosing(reader(gate, source, pieces, pressure)) as reading:
                async for _ in reading:
                    yield
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except Exception as exc:  # noqa: BLE001  # the plugin boundary: the consumer gets it after what was read
        error = exc
    except BaseException:
        if cancelled_from_outside():
            raise
        error = cancelled_inside(source.provider)
    gate.finish(error)
    yield


async def _read(gate: Gate, source: Source, pieces: Pieces, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read the pieces. For each, text is appended and two numbers are compared; the rest is for when enough has come."""
    append, came = gate.buffer.append, 0
    try:
        async for piece in pieces:
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
                gate.read(chunk)
                pressure.count_beside(gate.received.characters - before)
            elif came < pressure.due:
                continue
            gate.look()
            yield
            if gate.ended:
                return
            await pressure.pause(came)
    finally:
        await _close(gate, source, pieces)


async def _read_texts(gate: Gate, source: Source, pieces: Pieces, pressure: Pressure) -> AsyncGenerator[None, None]:
    """Read pieces that are texts, as `_read` does; making a chunk of each would cost as much as reading it."""
    append, came = gate.buffer.append, 0
    try:
        async for piece in pieces:
            text = piece if piece.__class__ is str else as_chunk(piece, source).text
            append(text)
            came += len(text)
            if came < pressure.due:
                continue
            gate.look()
            yield
            if gate.ended:
                return
            await pressure.pause(came)
    finally:
        await _close(gate, source, pieces)


async def _close(gate: Gate, source: Source, pieces: Pieces) -> None:
    await close_source(pieces, source.provider)
    gate.look()  # so that all that came is in what was received
    source.closed(gate.received)
