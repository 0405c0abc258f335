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

    def begin(self, signature: str) -> None:
        """Begin a block of thinking."""
        self._blocks.append({"type": "thinking", "signature": signature, "length": 0})

    def add(self, *, characters: int = 0, signature: str = "") -> None:
        """Add to the block that was begun last."""
        if not self._blocks or self._blocks[-1]["type"] != "thinking":
            self.begin("")
        self._blocks[-1]["length"] += characters
        self._blocks[-1]["signature"] += signature

    def redacted(self, content: str) -> None:
        """Add a block that Anthropic has encrypted."""
        self._blocks.append({"type": "redacted_thinking", "data": content})

    def all(self) -> list[dict[str, Any]]:
        """Return the blocks, in the form that a message gives back under `thinking_blocks`."""
        return [dict(block) for block in self._blocks]


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
            blocks.append({"type": "thinking", "thinking": text[:length], "signature": block.get("signature", "")})
            text = text[length:]
        else:
            blocks.append(dict(block))
    return [block for block in blocks if block.get("type") != "thinking" or block.get("signature")]
