"""Which chunk each piece of text came in, so that the chunk's metadata stays with it while it is held."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Metadata: TypeAlias = Mapping[str, Any] | None


class Origins:
    """Remembers the chunks whose text has not been given out.

    Attributes:
        left: the metadata of the last chunk, if none of its text was given out.
    """

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, Metadata]] = deque()
        self._skipped = 0
        self.left: Metadata = None

    def came(self, chunk: str, metadata: Metadata) -> None:
        """Record a chunk."""
        if chunk:
            self._chunks.append((len(chunk), metadata))
            self.left = metadata

    def of(self, text: str, skipped: int) -> Iterator[tuple[str, Metadata]]:
        """Yield a text that is given out in parts of one metadata each.

        Args:
            text: what follows what was given out before.
            skipped: how many characters of the beginning are never given out.
        """
        self._take(skipped - self._skipped)
        self._skipped = skipped
        at = 0
        for size, metadata in self._grouped(len(text)):
            yield text[at : at + size], metadata
            at += size

    def _grouped(self, size: int) -> list[tuple[int, Metadata]]:
        groups: list[tuple[int, Metadata]] = []
        for length, metadata in self._take(size):
            if groups and groups[-1][1] is metadata:
                groups[-1] = (groups[-1][0] + length, metadata)
            else:
                groups.append((length, metadata))
        if groups and groups[-1][1] is self.left:
            self.left = None
        return groups

    def _take(self, size: int) -> list[tuple[int, Metadata]]:
        taken: list[tuple[int, Metadata]] = []
        while size > 0 and self._chunks:
            length, metadata = self._chunks.popleft()
            if length > size:
                self._chunks.appendleft((length - size, metadata))
                length = size
            taken.append((length, metadata))
            size -= length
        return taken
