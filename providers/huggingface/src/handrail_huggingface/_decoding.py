"""Token ids to text, piece by piece: only whole characters, and each token decoded a bounded number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
LONGEST_WAIT = 8
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
        self._context = 0  # tokens of the window that were in pieces before
        self._given = 0  # characters of the window's text that were given
        self._waiting = 0  # tokens since something was given

    def feed(self, ids: Sequence[int]) -> str:
        """Take the next tokens; return the text that they complete, perhaps none."""
        self._window += ids
        self._waiting += len(ids)
        return self._take(self._decode(self._window), final=False)

    def finish(self) -> str:
        """No more will come: give what is left, an unfinished character included."""
        return self._take(self._decode(self._window), final=True)

    def _take(self, text: str, *, final: bool) -> str:
        whole = text if final else text.rstrip(UNFINISHED)
        piece = whole[self._given :]
        if not piece and self._waiting > LONGEST_WAIT:
            whole, piece = text, text[self._given :]
            final = True
        if piece:
            self._given, self._waiting = len(whole), 0
        if (piece or final) and len(whole) == len(text):
            self._window = self._window[self._context :]
            self._context, self._given = len(self._window), len(self._decode(self._window))
        return piece

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, **self._decode_kwargs)) if ids else ""
