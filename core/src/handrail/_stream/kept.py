"""The text of a stage: what came in, what went out, and what a rail may have to read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from handrail._content import pieces_of
from handrail._stream.edits import OffsetMap, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail._content import Piece
    from handrail._types import Channel, Edit

Key: TypeAlias = "tuple[Channel, int]"
"""A channel and, of tool calls, the index of the call; 0 for others."""

_SOME = 2048  # characters that may be kept for longer than needed, or copied when more comes


class KeptText:
    """Text that grows at its end and is forgotten from its beginning, at a cost linear in its length.

    Attributes:
        needed_from: what is before this offset is not needed any more.
    """

    __slots__ = ("_base", "_pieces", "_text", "needed_from")

    def __init__(self, text: str = "", base: int = 0) -> None:
        self.needed_from = base
        self._text = text
        self._base = base  # offset of its first character
        self._pieces: list[str] = []  # came later, and was not joined yet

    def append(self, text: str) -> None:
        """Take more text."""
        if len(self._text) < 2 * _SOME and not self._pieces:
            self._text += text
        else:
            self._pieces.append(text)

    def slice(self, start: int, end: int) -> str:
        """Return the characters `[start, end)`, of which none may have been forgotten."""
        if self._pieces:
            self._join()
        return self._text[start - self._base : end - self._base]

    def holds(self, text: str, start: int) -> bool:
        """Return whether this is the text at `start`, as far as that was not forgotten."""
        if self._pieces:
            self._join()
        ahead = self._base - start
        return self._text.startswith(text[ahead:]) if ahead > 0 else self._text.startswith(text, -ahead)

    def _join(self) -> None:
        """Join what has come, and drop what is not needed once that is a good part of all."""
        drop = self.needed_from - self._base
        if drop <= _SOME or drop * 2 <= len(self._text):
            drop = 0
        self._text = "".join((self._text[drop:], *self._pieces))
        self._base += drop
        self._pieces.clear()


class StageText:
    """The text of a stage, which alone changes it; its rails' lanes look at it.

    Attributes:
        key: which channel the text is of and, of tool calls, which call.
        channel: the channel.
        tool_name: of a tool call, the tool that is called.
        kept: the text that may still be needed.
        length: characters that have come in.
        released: characters of those that went out.
        map: where offsets of the text lie after the stage's edits.
        went_past: characters that the stage before let through before this one was split off, and it never sees.
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
        self.map = OffsetMap()
        self.went_past = self._went = 0  # characters that went by before, and that went out
        self._pieces: list[Piece] | None = None  # what went out and nobody has taken note of; None if nobody does

    def note_pieces(self) -> None:
        """Begin to note which pieces of its text go out; before any has come in."""
        self._pieces = []

    def take_pieces(self) -> list[Piece]:
        """Return the pieces of its text that went out since the last time."""
        pieces, self._pieces = self._pieces or [], []
        return pieces

    def _pass_on(self, limit: int, edits: Sequence[Edit]) -> str:
        """Return what goes out up to `limit`, after those of the edits that end there; none reaches across it."""
        begin = self.released
        text = self.kept.slice(begin, limit)
        if limit > begin:
            self.released = limit
        if edits:
            edits = [edit for edit in edits if edit.end <= limit]
            self.map.add(edits)
            text = apply(text, begin, edits)
        if self._pieces is not None:
            self._pieces += pieces_of(begin, self.released, edits)
        self._went += len(text)
        return text
