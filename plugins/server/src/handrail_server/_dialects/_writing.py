"""What the writers of all dialects share: text that is released together is written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Refusal

_PARAGRAPH = "\n\n"


class ItemWriter:
    """Base of a writer: a protocol says how one text is written, and how any other item.

    Attributes:
        has_text: whether text was written that a refusal must be set apart from.
    """

    def __init__(self) -> None:
        self.has_text = False

    def items(self, items: Sequence[object]) -> bytes:
        """Return events for what was released together: text that follows text goes into one event."""
        parts: list[bytes] = []
        texts: list[str] = []
        for item in items:
            if type(item) is str:
                texts.append(item)
                continue
            if texts:
                parts.append(self.text("".join(texts)))
                texts.clear()
            parts.append(self.other(item))
        if texts:
            parts.append(self.text("".join(texts)))
        return b"".join(parts)

    def aside(self, guardrails: Mapping[str, object]) -> bytes:  # noqa: ARG002  # for protocols that can say it
        """Return nothing: most protocols have no event for what is no part of the answer."""
        return b""

    def text(self, text: str) -> bytes:
        """Return the event for text of the answer."""
        raise NotImplementedError

    def other(self, item: object) -> bytes:
        """Return the events for an item that is not text; nothing for an unknown one."""
        raise NotImplementedError

    def apart(self, refusal: Refusal) -> str:
        """Return the words of a refusal, in a paragraph of their own."""
        return _PARAGRAPH + refusal.message if self.has_text else refusal.message
