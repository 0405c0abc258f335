"""Where conversations are kept: a small interface, and a store in memory that is bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from handrail_server._sse import to_json

Message: TypeAlias = Mapping[str, Any]


class ThreadStore(Protocol):
    """Keeps the messages of threads. Keys are made by the server and say nothing about who asked."""

    async def load(self, key: str) -> Sequence[Message]:
        """Return the messages of a thread, oldest first; none for one that is not known.

        Raises:
            Exception: the store cannot be reached. Nobody is answered without the history then.
        """
        ...

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages to a thread, all or none, after what other requests have added meanwhile."""
        ...

    async def ready(self) -> bool:
        """Return whether the store can be reached."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class MemoryStore:
    """Keeps threads in this process until it ends; the one not used for longest goes first.

    Args:
        threads: most threads.
        messages: most messages of a thread; the oldest go first.
        size: most bytes of all, as JSON.
    """

    def __init__(self, *, threads: int, messages: int, size: int) -> None:
        self._most_threads = threads
        self._most_messages = messages
        self._most_bytes = size
        self._bytes = 0
        self._threads: OrderedDict[str, list[tuple[Message, int]]] = OrderedDict()

    async def load(self, key: str) -> Sequence[Message]:
        """Return the messages of a thread."""
        if key not in self._threads:
            return ()
        self._threads.move_to_end(key)
        return [message for message, _ in self._threads[key]]

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages to a thread."""
        thread = self._threads.setdefault(key, [])
        self._threads.move_to_end(key)
        for message in messages:
            size = len(to_json(message))
            thread.append((message, size))
            self._bytes += size
        while len(thread) > self._most_messages:
            self._bytes -= thread.pop(0)[1]
        while self._threads and (len(self._threads) > self._most_threads or self._bytes > self._most_bytes):
            self._bytes -= sum(size for _, size in self._threads.popitem(last=False)[1])

    async def ready(self) -> bool:
        """Return at once: what is in memory can be reached."""
        return True

    async def aclose(self) -> None:
        """Forget everything."""
        self._threads.clear()
        self._bytes = 0
