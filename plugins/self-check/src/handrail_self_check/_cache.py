"""Remembers a judge's latest answers."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail_self_check._answer import Judgement


class AnswerCache:
    """The judgements of the prompts that were asked last. May be used from several threads.

    Args:
        size: how many are kept, the one that was used longest ago going first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._judgements: OrderedDict[bytes, Judgement] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Judgement | None:
        """Return what was judged, if it is remembered."""
        with self._lock:
            found = self._judgements.get(key)
            if found is not None:
                self._judgements.move_to_end(key)
            return found

    def put(self, key: bytes, judgement: Judgement) -> None:
        """Remember a judgement."""
        with self._lock:
            self._judgements[key] = judgement
            self._judgements.move_to_end(key)
            if len(self._judgements) > self._size:
                self._judgements.popitem(last=False)

    def __len__(self) -> int:
        return len(self._judgements)


def cache_key(texts: Iterable[str]) -> bytes:
    """Make a key of texts, so that what is judged is not itself kept. Texts that are cut otherwise make another key."""
    digest = blake2b(digest_size=32)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()
