"""Collects what an answer has beside text, thinking and tool calls, and what no rail has read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handrail_http import clean

if TYPE_CHECKING:
    from handrail_anthropic._thinking import ThinkingBlocks

_LARGEST = 16 * 1024 * 1024
_MOST_NAMES, _LONGEST_NAME = 16, 64


class Beside:
    """Citations, and the blocks of tools that the server runs itself.

    Attributes:
        lost: names of what was too large to be kept, and of what is not known.
    """

    def __init__(self) -> None:
        self.lost: list[str] = []
        self._citations: list[Any] = []
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, list[str]] = {}
        self._size = 0

    def cite(self, citations: object) -> None:
        """Take citations of the text."""
        found = [clean(citation) for citation in citations] if isinstance(citations, list) else []
        if found and self._fits("citations", len(str(found))):
            self._citations += found

    def keep(self, index: int, block: dict[str, Any]) -> None:
        """Take a block as it is."""
        if self._fits("content_blocks", len(str(block))):
            self._blocks[index] = block

    def add_input(self, index: int, piece: str) -> None:
        """Take more of the input of a block that was kept."""
        if index in self._blocks and self._fits("content_blocks", len(piece)):
            self._inputs.setdefault(index, []).append(piece)

    def end(self, index: int) -> None:
        """Put the input of a block together; what is not JSON stays text."""
        if (pieces := self._inputs.pop(index, None)) is not None:
            text = "".join(pieces)
            try:
                self._blocks[index]["input"] = clean(json.loads(text))
            except (ValueError, RecursionError):
                self._blocks[index]["input"] = clean(text)

    def lose(self, name: str) -> None:
        """Note that something was not kept."""
        if name not in self.lost and len(self.lost) < _MOST_NAMES:
            self.lost.append(name[:_LONGEST_NAME])

    def unguarded(self, thinking: ThinkingBlocks, *, calls: bool) -> dict[str, Any]:
        """Return what may be text of the model and no rail has read, by the place where Chat Completions has it.

        Beside tool calls that includes what the next turn wants back, which a server may keep for its client.
        """
        message: dict[str, Any] = {}
        if self._citations:
            message["citations"] = self._citations
        if self._blocks:
            message["content_blocks"] = list(self._blocks.values())
        if not (calls and thinking.all()):
            return {"message": message} if message else {}
        message["thinking_blocks"] = thinking.all()
        return {"message": message, **({"next_turn": {"reasoning_content": thinking.text}} if thinking.text else {})}

    def _fits(self, name: str, size: int) -> bool:
        self._size += size
        if self._size > _LARGEST:
            self.lose(name)
        return self._size <= _LARGEST
