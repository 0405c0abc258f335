"""Tells reasoning from the answer where a model writes both into its text, as `<think>...</think>`."""

from __future__ import annotations

from typing import Literal

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Takes the text of one answer, wherever it is cut, and returns text and reasoning apart.

    Only a block at the beginning counts, after white space at most; a tag in the middle of an answer is text. When in
    doubt it is text, which more rails read than reasoning: the first closing tag ends the block whatever was opened
    within it, and so does whatever cannot stand within a block.

    Args:
        opened: the prompt ends with the opening tag, so that the answer begins within the block.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._held = ""
        self._state: Literal["before", "inside", "after"] = "inside" if opened else "before"

    def feed(self, text: str) -> tuple[str, str]:
        """Take the next characters; return those that are now known to be text, and to be reasoning."""
        if self._state == "after":
            return text, ""
        held = self._held + text
        if self._state == "before":
            bare = held.lstrip()
            if not bare.startswith(_OPEN):
                if _OPEN.startswith(bare):
                    self._held = held
                    return "", ""
                self._state, self._held = "after", ""
                return held, ""
            self._state, held = "inside", bare[len(_OPEN) :]
        return self._inside(held)

    def interrupt(self) -> tuple[str, str]:
        """End the block, if one is open: something came that belongs to the answer. Return what was held."""
        return self.finish() if self._state == "inside" else ("", "")

    def finish(self) -> tuple[str, str]:
        """Return what was held, since the answer has ended; whatever follows all the same is text."""
        held, self._held = self._held, ""
        before, self._state = self._state == "before", "after"
        return (held, "") if before else ("", held)

    def _inside(self, held: str) -> tuple[str, str]:
        reasoning, tag, text = held.partition(_CLOSE)
        if tag:
            self._state, self._held = "after", ""
            return text, reasoning
        keep = next((n for n in range(len(_CLOSE) - 1, 0, -1) if held.endswith(_CLOSE[:n])), 0)
        self._held = held[len(held) - keep :]
        return "", held[: len(held) - keep]
