"""Classifiers as ONNX: a folder with `model.onnx`, `tokenizer.json` and `config.json`, run by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import numpy as np
from handrail.errors import ConfigurationError
from tokenizers import Tokenizer

from handrail_detectors._chunks import Batch, bare, findings_of_texts, findings_of_tokens, slices
from handrail_detectors._loaded import loaded

if TYPE_CHECKING:
    from pathlib import Path

    from handrail_detectors._findings import Answer
    from handrail_detectors._settings import ClassifierSettings

onnxruntime: Any = import_module("onnxruntime")  # it has no types, and type checkers need not have it

_MOST_TOKENS, _OVERLAP = 512, 4


class OnnxEngine:
    """Judges with a model that is loaded when the configuration is.

    Attributes:
        labels: those of `config.json`.
        exclusive: True for a model whose scores of a text add up to 1.

    Raises:
        ConfigurationError: the model cannot be loaded.
    """

    def __init__(self, folder: Path, settings: ClassifierSettings, rail: str) -> None:
        self._tokens = settings.task == "tokens"
        self._is_harmful = settings.is_harmful
        try:
            config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            providers, file = _providers(settings), str(folder / "model.onnx")
            session = partial(onnxruntime.InferenceSession, file, providers=providers)
            self._loaded = loaded(str(folder), ("onnx", *providers), session)
            self._names = [config["id2label"][str(n)] for n in range(len(config["id2label"]))]
        except ConfigurationError:
            raise
        except Exception as exc:  # ONNX Runtime and tokenizers raise exceptions of their own
            raise ConfigurationError(
                f"rail {rail!r}: the classifier in {str(folder)!r} cannot be loaded: {type(exc).__name__}; it needs "
                f"model.onnx, tokenizer.json and config.json with id2label"
            ) from exc
        self._inputs = {each.name for each in self._loaded.model.get_inputs()}
        self.labels: frozenset[str] | None = frozenset(map(bare, self._names) if self._tokens else self._names)
        multiple = config.get("problem_type") == "multi_label_classification" or len(self._names) == 1
        self._sigmoid = multiple and not self._tokens
        self.exclusive: bool | None = not multiple and not self._tokens
        most = int(config.get("max_position_embeddings") or _MOST_TOKENS)
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._tokenizer.enable_truncation(most, stride=max((most - special) // _OVERLAP, 0))
        self._tokenizer.enable_padding(pad_id=int(config.get("pad_token_id") or 0))

    async def classify(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        """Judge texts in a thread; batches take turns."""
        return await anyio.to_thread.run_sync(partial(self._judged, texts))

    def _judged(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        batch = self._cut(texts)
        scores = [row for part in slices(len(batch.owners)) for row in self._scores(batch, part)]
        if self._tokens:
            return findings_of_tokens(batch, scores, self._names, self._is_harmful)
        return findings_of_texts(batch, scores, self._names)

    def _scores(self, batch: Batch, part: slice) -> list[Any]:
        given = {
            name: np.array(rows[part], dtype=np.int64) for name, rows in batch.inputs.items() if name in self._inputs
        }
        with self._loaded.turn:
            logits = np.asarray(self._loaded.model.run(None, given)[0], dtype=np.float64)
        return list((_sigmoid(logits) if self._sigmoid else _softmax(logits)).tolist())

    def _cut(self, texts: Sequence[str]) -> Batch:
        rows: list[Any] = []
        owners: list[int] = []
        for number, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            chunks = [encoding, *encoding.overflowing]
            rows += chunks
            owners += [number] * len(chunks)
        longest = max(len(row.ids) for row in rows)
        for row in rows:
            row.pad(longest)
        inputs = {
            "input_ids": [row.ids for row in rows],
            "attention_mask": [row.attention_mask for row in rows],
            "token_type_ids": [row.type_ids for row in rows],
        }
        return Batch(inputs, owners, [list(row.offsets) for row in rows], len(texts))


def _providers(settings: ClassifierSettings) -> list[str]:
    if settings.device == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ConfigurationError("this ONNX Runtime has no CUDA; install onnxruntime-gpu, or set device: cpu")
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    scores: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return scores


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return scores
