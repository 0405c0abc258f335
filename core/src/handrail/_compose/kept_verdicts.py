"""What input rails have said of messages, kept so that a history that does not change costs no judge."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from handrail._types import Edit, Message

_MOST_ENTRIES = 20_000
_MOST_BYTES = 16 * 1024 * 1024
_MOST_LEVELS = 64  # of lists and mappings in one another
_MARK = "cache_control"


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


Scope: TypeAlias = hashlib.blake2b
"""What verdicts of one call rest on beside the messages, hashed."""


class KeptVerdicts:
    """Verdicts of one `LLMRails`, the least recently used given up first. Nothing in it can be read.

    A verdict is kept under a keyed hash of the messages, of the rails and of what else these are told. Edits may show
    what they replace, so they are encrypted with another keyed hash of the same, which is kept nowhere.

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

    def scope(self, *values: object) -> Scope | None:
        """Return what a verdict rests on beside the messages: which rails judge them, and whatever they are told.

        None if that cannot be compared: of an object nobody knows whether it still is what it was.
        """
        digest = hashlib.blake2b(key=self._secret)
        return digest if _add(digest, values) else None

    def place(self, scope: Scope | None, messages: Sequence[Message]) -> Place | None:
        """Return where the verdict on some messages is kept; None if it is not to be.

        Args:
            scope: whatever else the verdict rests on.
            messages: what is judged, with all that they carry but marks for a provider's cache, which move.
        """
        if scope is None:
            return None
        digest = scope.copy()
        if not _add(digest, [_without_marks(message) for message in messages]):
            return None
        found = digest.digest()
        return Place(found[:32], found[32:])

    def get(self, place: Place | None) -> Kept | None:
        """Return what is kept there."""
        if place is None or (sealed := self._sealed.get(place.key)) is None:
            return None
        self._sealed.move_to_end(place.key)
        refused, edits = json.loads(_mixed(sealed, place.seal))
        return Kept(refused, tuple(Edit(*edit) for edit in edits))

    def put(self, place: Place | None, kept: Kept) -> None:
        """Keep what rails have said, if there is a place for it."""
        if place is None:
            return
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


def _without_marks(message: Message) -> Message:
    """Return a message without `cache_control`, its own and that of its parts."""
    content = message.get("content")
    if isinstance(content, list | tuple):
        parts = [_without(part) if isinstance(part, Mapping) else part for part in content]
        return {**_without(message), "content": parts}
    return _without(message) if _MARK in message else message


def _without(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != _MARK}


def _add(digest: hashlib.blake2b, value: object, depth: int = 0) -> bool:
    """Add a value so that it cannot be taken for another one, or for two; return False if it is no plain data."""
    if isinstance(value, str):
        _add_text(digest, value)
    elif isinstance(value, bytes):
        digest.update(b"b%d:%b" % (len(value), value))
    elif value is None or type(value) in (bool, int, float):
        digest.update(b"n%a:" % value)
    elif depth > _MOST_LEVELS:
        return False
    elif isinstance(value, list | tuple):
        digest.update(b"[%d:" % len(value))
        return all(_add(digest, one, depth + 1) for one in value)
    elif isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        digest.update(b"{%d:" % len(value))
        for name in sorted(value):
            _add_text(digest, name)
            if not _add(digest, value[name], depth + 1):
                return False
    else:
        return False
    return True


def _add_text(digest: hashlib.blake2b, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    digest.update(b"s%d:" % len(raw))
    digest.update(raw)


def _mixed(text: bytes, seal: bytes) -> bytes:
    """Encrypt or decrypt: the seal is never used for another text than the one that it is made of."""
    stream = hashlib.shake_256(seal).digest(len(text))
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")
