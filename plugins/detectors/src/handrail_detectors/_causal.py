"""A causal model that classifies tokens, loaded once and shared by all streams, which take turns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from handrail.errors import ConfigurationError
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from handrail_detectors._chunks import Batch, bare, findings_of_tokens
from handrail_detectors._loaded import loaded
from handrail_detectors._reading import Reader, refuse_other_than_causal
from handrail_detectors._transformers import load, most_tokens

if TYPE_CHECKING:
    from handrail_detectors._findings import Answer
    from handrail_detectors._settings import TokenSettings


class CausalModel:
    """A model and its tokenizer.

    Attributes:
        labels: those of its own configuration, without the marks of tokens that begin or go on.

    Raises:
        ConfigurationError: it cannot be loaded, or is not causal.
    """

    def __init__(self, place: str, settings: TokenSettings, rail: str) -> None:
        self._is_harmful = settings.is_harmful
        try:
            config = AutoConfig.from_pretrained(place)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place)
            how = ("transformers", "tokens", settings.device)
            kind = AutoModelForTokenClassification
            self._loaded = loaded(place, how, partial(load, kind, place, settings.device))
        except (OSError, ValueError, RuntimeError) as exc:
            raise ConfigurationError(
                f"rail {rail!r}: the classifier {place!r} cannot be loaded: {type(exc).__name__}"
            ) from exc
        if not self._tokenizer.is_fast:
            raise ConfigurationError(f"rail {rail!r}: the classifier's tokenizer needs a tokenizer.json")
        with self._loaded.turn:
            refuse_other_than_causal(self._loaded.model, place)
        self._names = [config.id2label[number] for number in range(len(config.id2label))]
        self.labels = frozenset(map(bare, self._names))
        self._most = min(most_tokens(config, self._tokenizer), settings.max_tokens)

    def reader(self, begin: int) -> Reader:
        """Return what reads one text, from a place of the whole on."""
        return Reader(self._loaded.model, self._tokenizer, self._most, begin)

    def answer(self, reader: Reader, text: str, begin: int) -> Answer:
        """Read on, and return what is said of all that stands after a place; places are counted from there."""
        with self._loaded.turn:
            rows = reader.read(text, begin)
        offsets = [[(max(start - begin, 0), end - begin) for (start, end), _ in rows]]
        batch = Batch({}, [0], offsets, 1)
        (found,) = findings_of_tokens(batch, [[scores for _, scores in rows]], self._names, self._is_harmful)
        if isinstance(found, Exception):
            raise found
        return found
