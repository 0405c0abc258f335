"""Reads a growing text with a causal model: keys and values are kept, so that no token is read twice.

The text is cut into tokens anew whenever more has come, for what comes may join with what was there. What differs from
before is all that goes through the model, and what it says is what it would say of the whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from handrail.errors import ConfigurationError
from transformers import DynamicCache

if TYPE_CHECKING:
    from handrail_detectors._findings import Span

Row: TypeAlias = tuple["Span", list[float]]
"""Where a token stands in the whole text, and the score of each label."""

_SAME = 1e-3  # of logits, which differ in the last digits


class Reader:
    """Scores the tokens of one text. A text of more tokens than the model takes is read in parts that overlap.

    Args:
        model: a causal model that classifies tokens.
        tokenizer: its tokenizer, which knows where its tokens stand.
        most: the most tokens that the model takes.
        begin: where in the whole text the reading begins.

    Attributes:
        through: how many tokens have gone through the model.
    """

    def __init__(self, model: Any, tokenizer: Any, most: int, begin: int = 0) -> None:
        self.through = 0
        self._model = model
        self._tokenizer = tokenizer
        self._most = most
        self._begin = begin
        self._text = ""
        self._rows: list[Row] = []  # of parts that are over
        self._start_part()

    def read(self, text: str, since: int) -> list[Row]:
        """Take the next characters; return the tokens that end after a place in the whole text, in their order."""
        self._text += text
        while True:
            ids, spans = self._tokens()
            self._score(ids[: self._most])
            found = list(zip(spans, self._scores, strict=False))
            if len(ids) <= self._most:
                break
            self._rows += [row for row in found if row[0][1] > row[0][0]]
            cut = spans[self._most - self._most // 4][0] - self._begin
            self._begin, self._text = self._begin + cut, self._text[cut:]
            self._start_part()
        self._rows = [row for row in self._rows if row[0][1] > since]
        return [*self._rows, *(row for row in found if row[0][1] > max(since, row[0][0]))]

    def _start_part(self) -> None:
        self._cache: Any = DynamicCache()
        self._ids: list[int] = []
        self._scores: list[list[float]] = []

    def _tokens(self) -> tuple[list[int], list[Span]]:
        found = self._tokenizer(self._text, add_special_tokens=False, return_offsets_mapping=True)
        first = _first_token(self._tokenizer)
        spans = [(self._begin + start, self._begin + end) for start, end in found["offset_mapping"]]
        return first + list(found["input_ids"]), [(self._begin, self._begin)] * len(first) + spans

    def _score(self, ids: Sequence[int]) -> None:
        """Let what is new go through the model."""
        same = _common(self._ids, ids)
        if gone := len(self._ids) - same:
            self._cache.crop(-gone)
        del self._scores[same:]
        self._ids = list(ids)
        if new := self._ids[same:]:
            logits = logits_of(self._model, new, self._cache)
            self._scores += torch.softmax(logits, dim=-1).tolist()
            self.through += len(new)


def logits_of(model: Any, ids: Sequence[int], cache: Any = None) -> torch.Tensor:
    """Return what a model says of each token, after those whose keys and values are in a cache, which it adds to."""
    kept = {} if cache is None else {_cache_name(model): cache}
    with torch.inference_mode():
        inputs = torch.tensor([list(ids)], device=model.device)
        found: torch.Tensor = model(input_ids=inputs, use_cache=cache is not None, **kept).logits
    return found[0].float()


def _cache_name(model: Any) -> str:
    """Return how a model calls what keeps keys and values, which has another name in later editions of transformers."""
    return "cache" if "cache" in signature(model.forward).parameters else "past_key_values"


def refuse_other_than_causal(model: Any, place: str) -> None:
    """Try a model on a few tokens.

    Raises:
        ConfigurationError: what it says of a token depends on what follows, or it keeps no keys and values.
    """
    ids = [number % model.config.vocab_size for number in range(3, 11)]
    try:
        whole, cache = logits_of(model, ids), DynamicCache()
        parts = torch.cat([logits_of(model, ids[:5], cache), logits_of(model, ids[5:], cache)])
    except (TypeError, ValueError, RuntimeError, IndexError):
        parts = whole = torch.zeros(0)
    if not len(whole) or not torch.allclose(whole, parts, atol=_SAME):
        raise ConfigurationError(
            f"the classifier {place!r} is not causal: what it says of a token depends on what follows; "
            f"use the rail 'classifier' with 'task: tokens' for it"
        )


def _first_token(tokenizer: Any) -> list[int]:
    """Return the token that a text begins with, for tokenizers that set one."""
    begun = tokenizer("a")["input_ids"][:1]
    return list(begun) if begun == [tokenizer.bos_token_id] else []


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two texts have in common at their beginning."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))
