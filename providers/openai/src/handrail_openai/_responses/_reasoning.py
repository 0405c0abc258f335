"""Reasoning items, which a model wants back beside its tool calls: sealed content with the metadata, text as any other.

The metadata must not repeat the text, since rails read the reasoning and not the metadata. So an item there has the
lengths of its texts in place of them, and the next turn takes the texts from the message's reasoning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail import Message

Kind: TypeAlias = Literal["summary", "content"]

BETWEEN = "\n\n"
"""What is put between two parts of the reasoning of one answer."""

_TEXTS = ("reasoning_content", "reasoning", "thinking")
_TYPES: Mapping[str, str] = {"content": "reasoning_text", "summary": "summary_text"}


@dataclass(slots=True)
class _Item:
    id: str
    lengths: dict[Kind, list[int]] = field(default_factory=lambda: {"content": [], "summary": []})
    encrypted: str = ""
    before_call: int | None = None
    is_followed: bool = False


class ReasoningItems:
    """The reasoning items of one answer, by their places in its output."""

    def __init__(self) -> None:
        self._items: dict[int, _Item] = {}

    def begin(self, at: int, id: str) -> None:  # noqa: A002  # the protocol's own word
        """Begin an item, if it has not begun."""
        self._items.setdefault(at, _Item(id))

    def begin_part(self, at: int, kind: Kind) -> str:
        """Begin a part of an item; return what stands between it and the reasoning before it."""
        first = not any(any(item.lengths.values()) for item in self._items.values())
        self._items.setdefault(at, _Item("")).lengths[kind].append(0)
        return "" if first else BETWEEN

    def add(self, at: int, kind: Kind, characters: int) -> None:
        """Add to the part that was begun last."""
        self._items[at].lengths[kind][-1] += characters

    def seal(self, at: int, encrypted: object) -> None:
        """Take the sealed content of an item."""
        if isinstance(encrypted, str):
            self._items[at].encrypted = encrypted

    def followed_by(self, call: int | None) -> None:
        """Note what follows the items so far: a tool call, or text."""
        for item in self._items.values():
            if not item.is_followed:
                item.is_followed, item.before_call = True, call

    def all(self) -> list[dict[str, Any]]:
        """Return the items that something followed, as a message gives them back under `reasoning_items`."""
        return [_shown(item) for item in self._items.values() if item.is_followed]


def reasoning_of(message: Message, *, stored: bool) -> dict[int | None, list[dict[str, Any]]]:
    """Return the items of an assistant's message, by the tool call before which each stands; None is the text.

    Args:
        stored: the server keeps answers, so that the id of an item is enough.
    """
    given = message.get("reasoning_items")
    if not isinstance(given, list) or not all(isinstance(item, Mapping) for item in given):
        return {}
    text = next((value for name in _TEXTS if isinstance(value := message.get(name), str)), "")
    texts = _cut(text, [length for item in given for _, length in _lengths(item)])
    found: dict[int | None, list[dict[str, Any]]] = {}
    for item in given:
        whole = dict(item) if "summary" in item else _whole(item, texts)
        if stored or whole.get("encrypted_content") or whole.get("content"):
            before = item.get("before_call")
            whole.pop("before_call", None)
            found.setdefault(before if isinstance(before, int) else None, []).append(whole)
    return found


def _shown(item: _Item) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "reasoning", "id": item.id}
    if item.encrypted:
        found["encrypted_content"] = item.encrypted
    found |= {f"{kind}_lengths": lengths for kind, lengths in item.lengths.items() if lengths}
    return found if item.before_call is None else {**found, "before_call": item.before_call}


def _whole(item: Mapping[str, Any], texts: Iterator[str] | None) -> dict[str, Any]:
    """Return an item as the API has it. Without its text, a summary is empty, and a content is none."""
    parts: dict[str, list[dict[str, str]]] = {"content": [], "summary": []}
    if texts is not None:
        for kind, _ in _lengths(item):
            parts[kind].append({"type": _TYPES[kind], "text": next(texts)})
    found: dict[str, Any] = {"type": "reasoning", "summary": parts["summary"]}
    found |= {name: item[name] for name in ("id", "encrypted_content") if item.get(name)}
    return {**found, "content": parts["content"]} if parts["content"] else found


def _lengths(item: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [
        (kind, length)
        for kind in _TYPES
        for length in item.get(f"{kind}_lengths") or ()
        if isinstance(length, int) and length >= 0
    ]


def _cut(text: str, lengths: list[int]) -> Iterator[str] | None:
    """Cut the reasoning into its parts; None if it is not what it was, since a rail has changed it."""
    if not lengths or sum(lengths) + len(BETWEEN) * (len(lengths) - 1) != len(text):
        return None
    return _parts(text, lengths)


def _parts(text: str, lengths: list[int]) -> Iterator[str]:
    at = 0
    for length in lengths:
        yield text[at : at + length]
        at += length + len(BETWEEN)
