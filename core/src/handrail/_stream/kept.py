"""The text of a stage: what came in, what went out, and what a rail may have to read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from handrail._types import Channel

Key: TypeAlias = "tuple[Channel, int]"
"""A channel and, of tool calls, the index of the call; 0 for others."""

_SOME = 4096  # characters that may be kept for longer than needed, so that text is seldom copied


class KeptText:
    """Text that grows at its end and is forgotten from its beginning, at a cost linear in its length."""

    __slots__ = ("_base", "_pieces", "_text")

    def __init__(self, text: str = "", base: int = 0) -> None:
        self._text = text
        self._base = base  # offset of its first character
        self._pieces: list[str] = []  # came later, and was not joined yet

    def append(self, text: str) -> None:
        """Take more text."""
        self._pieces.append(text)

    def slice(self, start: int, end: int) -> str:
        """Return the characters `[start, end)`, of which none may have been forgotten."""
        text = self._joined() if self._pieces else self._text
        return text[start - self._base : end - self._base]

    def holds(self, text: str, start: int) -> bool:
        """Return whether this is the text at `start`, as far as that was not forgotten."""
        kept, ahead = self._joined() if self._pieces else self._text, self._base - start
        return kept.startswith(text[ahead:]) if ahead > 0 else kept.startswith(text, -ahead)

    def forget(self, before: int) -> None:
        """Drop what is before an offset, once that is a good part of all."""
        if (drop := before - self._base) > _SOME and drop * 2 > len(self._text):
            self._text = self._joined()[drop:]
            self._base = before

    def _joined(self) -> str:
        if self._pieces:
            self._text = "".join((self._text, *self._pieces))
            self._pieces.clear()
        return self._text


class StageText:
    """The text of a stage as its rails' lanes see it; the stage alone changes it.

    Attributes:
        key: which channel the text is of and, of tool calls, which call.
        channel: the channel.
        tool_name: of a tool call, the tool that is called.
        kept: the text that may still be needed.
        length: characters that have come in.
        released: characters of those that went out.
        finished: True once no more will come in.
        stopping: True once it is certain that a rail ends the stream; none is asked anything more.
    """

    def __init__(self, key: Key, tool_name: str | None) -> None:
        self.key = key
        self.channel = key[0]
        self.tool_name = tool_name
        self.kept = KeptText()
        self.length = self.released = 0
        self.finished = self.stopping = False
