"""What a provider sent in one answer, as it came."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from handrail._events import Finished
from handrail._llm_call import told_usage
from handrail._stream.steps import NEVER
from handrail._types import ToolCallDelta
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail._types import Chunk, Usage


_NOTHING = (0, 0, 0)  # pieces of a buffer, their characters, and their bytes in UTF-8 beyond one for each character


def no_text(value: object, part: str) -> PluginContractError:
    """Make the error for a chunk with something else where text belongs; it does not show what that is."""
    return PluginContractError(f"a chunk has a {type(value).__name__} as {part}; it must be a text")


class Received:
    """The parts of an answer as the provider sent them, whatever became of them.

    Attributes:
        texts: the answer's text.
        aside: reasoning, and names and arguments of tool calls.
        characters: of text, reasoning and arguments together.
        beside: those of reasoning and arguments alone.
        pieces: how many pieces the text came in.
        usage, finish_reason, metadata: the last that came of each.
    """

    __slots__ = (
        "_beyond_ascii",
        "_measured",
        "_waiting",
        "aside",
        "beside",
        "characters",
        "finish_reason",
        "metadata",
        "pieces",
        "texts",
        "usage",
    )

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.aside: list[str] = []
        self.beside = self.characters = self.pieces = 0
        self._beyond_ascii = 0  # bytes of the text in UTF-8, beyond one for each character
        self._measured = 0  # how many of the texts were looked at for that
        self._waiting = _NOTHING
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self.metadata: dict[str, Any] = {}

    def add_text(self, buffer: list[str], most: int = NEVER) -> str:
        """Take pieces of text out of a buffer; return them as one plain `str`.

        Args:
            buffer: the pieces. What is not taken stays in it, cut into slices of `most` characters.
            most: how many characters to take.

        Raises:
            PluginContractError: a piece is no text; then the buffer is emptied.
        """
        count, self._waiting = len(buffer), _NOTHING
        if count > 1 and len(buffer[0]) == most:  # it has been cut
            text, count = buffer.pop(0), 1
        else:
            try:
                text = "".join(buffer)
            except TypeError as exc:
                raise _refused(buffer) from exc
            if len(text) > most:
                buffer[:] = [text[start : start + most] for start in range(most, len(text), most)]
                text = text[:most]
            else:
                buffer.clear()
        self.pieces += count
        self.characters += len(text)
        self.texts.append(text)
        return text

    def add_unseen(self, buffer: list[str]) -> None:
        """Take what came and nobody wants any more, so that no rail has to see it, whatever it is."""
        with suppress(PluginContractError):
            self.add_text(buffer)

    def count(self, text: str) -> None:
        """Count a piece of text that is added elsewhere."""
        self.pieces += 1
        self.characters += len(text)

    def add(self, chunk: Chunk) -> None:
        """Take what a chunk has beside text.

        Raises:
            PluginContractError: a tool call is none.
        """
        for call in chunk.tool_calls:
            if not isinstance(call, ToolCallDelta):
                raise PluginContractError(f"a chunk has a {type(call).__name__} as a tool call, not a ToolCallDelta")
        parts = [f"{call.name or ''}{call.arguments}" for call in chunk.tool_calls]
        if chunk.reasoning:
            parts.append(chunk.reasoning)
        self.aside += parts
        size = sum(map(len, parts)) + len(parts)
        self.beside += size
        self.characters += size
        if chunk.usage is not None:
            self.usage = told_usage(chunk.usage) or self.usage
        if chunk.finish_reason:  # an empty one says that the model goes on
            self.finish_reason = chunk.finish_reason
        if chunk.metadata:
            if not isinstance(chunk.metadata, Mapping):
                raise PluginContractError(f"a chunk has a {type(chunk.metadata).__name__} as metadata, not a mapping")
            self.metadata.update(chunk.metadata)

    def finished(self) -> Finished:
        """Return the event of an answer that is complete."""
        return Finished(self.finish_reason, self.usage, self.metadata)

    def tokens(self, pending: int, buffer: Sequence[str]) -> int:
        """Return how many tokens wait, hardly ever too few, however many of them came joined in one piece.

        A piece is one at least, and five characters are hardly two pieces. What came joined counts one for two letters,
        and one for a character of three bytes, which many vocabularies know as one token.

        Args:
            pending: how many of the characters that were added wait.
            buffer: pieces that came and were not added yet, which wait, too. Each is looked at once, for with large
                windows there may be many of them for long.
        """
        seen, waiting, beyond = self._waiting
        if seen < len(buffer):
            text = _joined(buffer[seen:])
            waiting, beyond = waiting + len(text), beyond + _beyond_ascii(text)
            self._waiting = len(buffer), waiting, beyond
        if self._measured < len(self.texts):
            self._beyond_ascii += _beyond_ascii("".join(self.texts[self._measured :]))
            self._measured = len(self.texts)
        characters = self.characters + waiting
        apart = self.pieces + len(buffer) + len(self.aside) + characters // 5
        joined = characters // 2 + (self._beyond_ascii + beyond) // 4
        return math.ceil((pending + waiting) * max(apart, joined) / max(characters, 1))


def _joined(buffer: Sequence[str]) -> str:
    """Return pieces of text as one; what is none counts nothing, for it is refused when it is added."""
    try:
        return "".join(buffer)
    except TypeError:
        return "".join([piece for piece in buffer if isinstance(piece, str)])


def _beyond_ascii(text: str) -> int:
    """Return the bytes of a text in UTF-8, beyond one for each character."""
    return 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - len(text)


def _refused(buffer: list[str]) -> PluginContractError:
    """Empty a buffer with a piece that is no text, and return the error for that."""
    wrong = next(piece for piece in buffer if not isinstance(piece, str))
    buffer.clear()
    return no_text(wrong, "text")
