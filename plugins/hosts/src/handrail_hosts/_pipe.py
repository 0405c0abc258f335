"""What one task sends and another reads: a bounded queue that costs a token little."""

from __future__ import annotations

from collections import deque
from typing import Generic, Self, TypeVar

import anyio

T = TypeVar("T")


class Pipe(Generic[T]):
    """One writer, one reader.

    Args:
        most: how many things may wait for the reader; beyond that the writer waits.
    """

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._things: deque[T] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._news: anyio.Event | None = None  # what the reader waits for
        self._room: anyio.Event | None = None  # what the writer waits for

    async def put(self, thing: T) -> None:
        """Hand over a thing; waits while the reader is too far behind."""
        self._things.append(thing)
        self._tell()
        if len(self._things) >= self._most:
            self._room = anyio.Event()
            await self._room.wait()

    def end(self, error: BaseException | None = None) -> None:
        """End what the reader reads, with an error or without."""
        self._ended, self._error = True, self._error or error
        self._tell()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._things:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        thing = self._things.popleft()
        if self._room is not None and len(self._things) < self._most:
            self._room.set()
            self._room = None
        return thing

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None
