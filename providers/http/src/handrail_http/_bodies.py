"""Reads the bodies of answers within bounds, however a server compresses them and however long they are."""

from __future__ import annotations

import ssl
import zlib
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Protocol

import anyio
import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

LARGEST_ERROR = 64 * 1024
"""In bytes. What a server says of an error needs no more; the rest is not read."""

TRANSPORT = (httpx2.HTTPError, ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError)
"""Everything that a connection raises in the ordinary course of things going wrong."""

_PIECE = 64 * 1024


class EncodingError(ValueError):
    """A body is compressed in a way that is not known, or broken."""


async def pieces_of(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a body as they come, decompressed in pieces of bounded size.

    Raises:
        EncodingError: it is compressed in a way that is not known, or broken.
    """
    raw = response.aiter_raw()
    try:
        inflate = _inflater(response.headers.get("content-encoding", "").strip().lower())
        async for piece in raw:
            for part in (piece,) if inflate is None else _inflated(inflate, piece):
                yield part
        if inflate is not None and not inflate.eof:
            raise EncodingError("its compressed body is incomplete")
    finally:
        await _give_up(response, raw)


async def _give_up(response: httpx2.Response, raw: AsyncIterator[bytes]) -> None:
    """Close the connection. httpx2 leaves one of its generators unfinished; that it reads on and fails ends it."""
    with anyio.CancelScope(shield=True):
        await response.aclose()
        with suppress(*TRANSPORT, httpx2.StreamError):
            async for _ in raw:
                pass


class _Inflater(Protocol):
    @property
    def unconsumed_tail(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _inflater(encoding: str) -> _Inflater | None:
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise EncodingError("it compresses its answer in a way that was not asked for")
    return zlib.decompressobj(zlib.MAX_WBITS | 32)  # of gzip and zlib, whichever it is


def _inflated(inflate: _Inflater, data: bytes) -> Iterator[bytes]:
    while data and not inflate.eof:
        try:
            part = inflate.decompress(data, _PIECE)
        except zlib.error:
            raise EncodingError("its compressed body is broken") from None
        data = inflate.unconsumed_tail
        if part:
            yield part


async def beginning_of(response: httpx2.Response) -> bytes:
    """Return the first `LARGEST_ERROR` bytes of a body, and read no more."""
    body = bytearray()
    async with aclosing(pieces_of(response)) as pieces:
        with suppress(EncodingError):
            async for piece in pieces:
                body += piece
                if len(body) >= LARGEST_ERROR:
                    break
    return bytes(body[:LARGEST_ERROR])
