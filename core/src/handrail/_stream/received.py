"""What a provider sent in one answer, as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail._events import Finished
from handrail._llm_call import told_usage
from handrail._stream.steps import NEVER
from handrail._types import ToolCallDelta
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from handrail._types import Chunk, Usage


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
        beyond_ascii: bytes of the text in UTF-8, beyond one for each character.
        usage, finish_reason, metadata: the last that came of each.
    """

    __slots__ = (
        "aside",
        "beside",
        "beyond_ascii",
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
        self.beside = self.beyond_ascii = self.characters = self.pieces = 0
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
        count = len(buffer)
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
        self.count(text, count)
        self.texts.append(text)
        return text

    def count(self, text: str, pieces: int = 1) -> None:
        """Count text that is taken elsewhere."""
        self.pieces += pieces
        self.characters += len(text)
        if not text.isascii():
            self.beyond_ascii += len(text.encode("utf-8", "surrogatepass")) - len(text)

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
            self.metadata.update(chunk.metadata)

    def finished(self) -> Finished:
        """Return the event of an answer that is complete."""
        return Finished(self.finish_reason, self.usage, self.metadata)

    @property
    def tokens(self) -> int:
        """How many tokens were received, hardly ever too few, however many of them came joined in one piece.

        A piece is one at least, and five characters are hardly two pieces. What came joined counts one for two letters,
        and one for a character of three bytes, which many vocabularies know as one token.
        """
        apart = self.pieces + len(self.aside) + self.characters // 5
        return max(apart, self.characters // 2 + self.beyond_ascii // 4)


def _refused(buffer: list[str]) -> PluginContractError:
    """Empty a buffer with a piece that is no text, and return the error for that."""
    wrong = next(piece for piece in buffer if not isinstance(piece, str))
    buffer.clear()
    return no_text(wrong, "text")
