"""What input rails have said of messages, kept so that a history that does not change costs no judge."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from handrail._types import Edit, Message

_MOST_ENTRIES = 20_000
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """What rails have said of a text.

    Attributes:
        refused: True if one of them refused it.
        edits: what they replaced in its content, if they did not.
    """

    refused: bool = False
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verdict is kept, and what it is sealed with. Whoever has not got the text has neither."""

    key: bytes
    seal: bytes = field(repr=False)


class KeptVerdicts:
    """Verdicts of one `LLMRails`, the least recently used given up first. Nothing in it can be read.

    A verdict is kept under a keyed hash of the text, of the rails and of who asks. Edits may show what they replace, so
    they are encrypted with another keyed hash of the same, which is kept nowhere.

    Args:
        most_entries: how many are kept.
        most_bytes: how long all of them may be.
    """

    def __init__(self, *, most_entries: int = _MOST_ENTRIES, most_bytes: int = _MOST_BYTES) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._secret = secrets.token_bytes(32)
        self._sealed: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._sealed)

    def place(self, scope: Sequence[str], messages: Sequence[Message]) -> Place:
        """Return where the verdict on some messages is kept.

        Args:
            scope: which rails judge them, and whatever else their verdict rests on.
            messages: what is judged: their roles and texts, and how these are divided.
        """
        digest = hashlib.blake2b(key=self._secret)
        for text in (str(len(scope)), *scope):
            _add(digest, text)
        for message in messages:
            content = message.get("content")
            _add(digest, str(message["role"]))
            if isinstance(content, str):
                _add(digest, content)
            else:
                parts = content if isinstance(content, list | tuple) else ()
                digest.update(b"[%d]" % len(parts))
                for part in parts:
                    text = part if isinstance(part, str) else part.get("text")
                    _add(digest, text if isinstance(text, str) else None)
        found = digest.digest()
        return Place(found[:32], found[32:])

    def get(self, place: Place) -> Kept | None:
        """Return what is kept there."""
        sealed = self._sealed.get(place.key)
        if sealed is None:
            return None
        self._sealed.move_to_end(place.key)
        refused, edits = json.loads(_mixed(sealed, place.seal))
        return Kept(refused, tuple(Edit(*edit) for edit in edits))

    def put(self, place: Place, kept: Kept) -> None:
        """Keep what rails have said."""
        edits = [(edit.start, edit.end, edit.replacement) for edit in kept.edits]
        sealed = _mixed(json.dumps((kept.refused, edits)).encode(), place.seal)
        self._size += len(sealed) - len(self._sealed.pop(place.key, b""))
        self._sealed[place.key] = sealed
        while self._size > self._most_bytes or len(self._sealed) > self._most_entries:
            self._size -= len(self._sealed.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything, because rails may say something else from now on."""
        self._sealed.clear()
        self._size = 0


def _add(digest: hashlib.blake2b, text: str | None) -> None:
    """Add a text so that it cannot be taken for another one, or for two."""
    raw = b"" if text is None else text.encode("utf-8", "surrogatepass")
    digest.update(b"%d:" % (-1 if text is None else len(raw)))
    digest.update(raw)


def _mixed(text: bytes, seal: bytes) -> bytes:
    """Encrypt or decrypt: the seal is never used for another text than the one that it is made of."""
    stream = hashlib.shake_256(seal).digest(len(text))
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")
