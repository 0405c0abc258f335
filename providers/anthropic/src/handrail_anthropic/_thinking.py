"""Thinking, which Claude wants back unchanged: its signatures go with the metadata, its text is reasoning as any other.

The metadata must not repeat the text, since rails read the reasoning and not the metadata. So a block there has the
length of its text in place of it, and the next turn takes the text from the message's reasoning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handrail import Message

_TEXTS = ("reasoning_content", "reasoning", "thinking")


class ThinkingBlocks:
    """The blocks of one answer."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, Any]] = []
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """All of the thinking that was shown."""
        return "".join(self._pieces)

    def begin(self, signature: str, *, before_call: int | None = None) -> None:
        """Begin a block of thinking, which stands before one of the calls if it is not at the beginning."""
        self._blocks.append({"type": "thinking", "signature": signature, "length": 0, **_place(before_call)})

    def add(self, *, text: str = "", signature: str = "") -> None:
        """Add to the block that was begun last."""
        if not self._blocks or self._blocks[-1]["type"] != "thinking":
            self.begin("")
        self._pieces.append(text)
        self._blocks[-1]["length"] += len(text)
        self._blocks[-1]["signature"] += signature

    def redacted(self, content: str, *, before_call: int | None = None) -> None:
        """Add a block that Anthropic has encrypted."""
        self._blocks.append({"type": "redacted_thinking", "data": content, **_place(before_call)})

    def all(self) -> list[dict[str, Any]]:
        """Return the blocks, in the form that a message gives back under `thinking_blocks`."""
        return [dict(block) for block in self._blocks]


def placed_thinking_of(message: Message) -> dict[int | None, list[dict[str, Any]]]:
    """Return the blocks of an assistant's message, by the call before which each stands; None is the beginning."""
    found: dict[int | None, list[dict[str, Any]]] = {}
    for block in thinking_of(message):
        before = block.pop("before_call", None)
        found.setdefault(before if isinstance(before, int) else None, []).append(block)
    return found


def thinking_of(message: Message) -> list[dict[str, Any]]:
    """Return the blocks that an assistant's message begins with; none where a text is missing or was changed.

    A changed block would be refused, and a rail may have changed it.
    """
    given = message.get("thinking_blocks")
    if not isinstance(given, list) or not all(isinstance(block, Mapping) for block in given):
        return []
    text = next((value for name in _TEXTS if isinstance(value := message.get(name), str)), "")
    lengths = [block.get("length", 0) for block in given if "thinking" not in block]
    if sum(lengths) != len(text) and any(lengths):
        return [dict(block) for block in given if block.get("type") == "redacted_thinking"]
    blocks: list[dict[str, Any]] = []
    for block in given:
        if block.get("type") == "thinking" and "thinking" not in block:
            length = block.get("length", 0)
            place = _place(block.get("before_call"))
            said = {"type": "thinking", "thinking": text[:length], "signature": block.get("signature", "")}
            blocks.append({**said, **place})
            text = text[length:]
        else:
            blocks.append(dict(block))
    return [block for block in blocks if block.get("type") != "thinking" or block.get("signature")]


def _place(before_call: int | None) -> dict[str, int]:
    return {} if before_call is None else {"before_call": before_call}
