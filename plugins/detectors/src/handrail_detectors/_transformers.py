"""Classifiers that transformers runs in this process, one batch at a time in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import torch
from handrail.errors import ConfigurationError
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

from handrail_detectors._chunks import Batch, Chunks, bare, findings_of_texts, findings_of_tokens, slices
from handrail_detectors._loaded import loaded

if TYPE_CHECKING:
    from handrail_detectors._findings import Answer
    from handrail_detectors._settings import ClassifierSettings

_MOST_TOKENS = 512  # of a model that does not say


class TransformersEngine:
    """Judges with a model that is loaded when the configuration is.

    Attributes:
        labels: those of the model's own configuration.
        exclusive: True for a model whose scores of a text add up to 1.

    Raises:
        ConfigurationError: the model cannot be loaded.
    """

    def __init__(self, place: str, settings: ClassifierSettings, rail: str) -> None:
        self._tokens = settings.task == "tokens"
        self._is_harmful = settings.is_harmful
        kind = AutoModelForTokenClassification if self._tokens else AutoModelForSequenceClassification
        try:
            config = AutoConfig.from_pretrained(place)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place)
            how = ("transformers", settings.task, settings.device)
            self._loaded = loaded(place, how, partial(load, kind, place, settings.device))
        except (OSError, ValueError, RuntimeError) as exc:
            raise ConfigurationError(
                f"rail {rail!r}: the classifier {place!r} cannot be loaded: {type(exc).__name__}"
            ) from exc
        self._names = [config.id2label[n] for n in range(len(config.id2label))]
        self.labels: frozenset[str] | None = frozenset(map(bare, self._names) if self._tokens else self._names)
        multiple = config.problem_type == "multi_label_classification" or len(self._names) == 1
        self._sigmoid = multiple and not self._tokens
        self.exclusive: bool | None = not multiple and not self._tokens
        self._chunks = Chunks(self._tokenizer, most_tokens(config, self._tokenizer), rail)

    async def classify(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        """Judge texts in a thread; batches take turns."""
        return await anyio.to_thread.run_sync(partial(self._judged, texts))

    def _judged(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        batch = self._chunks.of(texts)
        scores = [row for part in slices(len(batch.owners)) for row in self._scores(batch, part)]
        if self._tokens:
            return findings_of_tokens(batch, scores, self._names, self._is_harmful)
        return findings_of_texts(batch, scores, self._names)

    def _scores(self, batch: Batch, part: slice) -> list[Any]:
        inputs = {name: torch.tensor(rows[part]).to(self._loaded.model.device) for name, rows in batch.inputs.items()}
        with self._loaded.turn, torch.inference_mode():
            logits = self._loaded.model(**inputs).logits.float()
        scores = torch.sigmoid(logits) if self._sigmoid else torch.softmax(logits, dim=-1)
        return list(scores.tolist())


def load(kind: Any, place: str, device: str) -> Any:
    """Load a model onto a device."""
    return kind.from_pretrained(place, dtype=torch.float32).to(device).eval()


def most_tokens(config: Any, tokenizer: Any) -> int:
    """Return the most tokens that the model takes at once; tokenizers write a huge number where they do not know."""
    found = [getattr(config, "max_position_embeddings", None), tokenizer.model_max_length]
    sound = [number for number in found if isinstance(number, int) and 8 <= number < 10**6]
    return min(sound, default=_MOST_TOKENS)
