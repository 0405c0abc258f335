"""Token ids to text, piece by piece: only whole characters, and each token decoded a bounded number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
LONGEST_CHARACTER = 8
"""Tokens after which an unfinished character is taken for a broken one. UTF-8 needs four bytes at most."""


class PieceDecoder:
    """Decodes one text as it is generated.

    What a token reads like depends on its neighbours, so the tokens of the last piece are decoded again together with
    the new ones, and what they add is the next piece. Any tokenizer will do, `decode_kwargs` are its own.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, **decode_kwargs: Any) -> None:
        self._tokenizer = tokenizer
        self._decode_kwargs = decode_kwargs
        self._window: list[int] = []
        self._given = 0

    def feed(self, ids: Sequence[int]) -> str:
        """Take the next tokens; give the text that they complete, perhaps none."""
        self._window += ids
        return self._take(final=False)

    def finish(self) -> str:
        """No more will come: give what is left, an unfinished character included."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> str:
        before = self._decode(self._window[: self._given])
        now = self._decode(self._window)
        waits = now.endswith(UNFINISHED) or len(now) <= len(before)
        if waits and not final and len(self._window) - self._given < LONGEST_CHARACTER:
            return ""
        self._window = self._window[self._given :]
        self._given = len(self._window)
        return now[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, **self._decode_kwargs)) if ids else ""
