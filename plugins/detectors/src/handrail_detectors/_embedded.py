"""The classifier that ships with the package: logistic regression over hashed runs of characters, in plain Python.

It is linear, so the score of every stretch of `REACH` characters comes from running sums, and nothing is read twice.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from array import array
from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.resources import files
from itertools import accumulate

import anyio.to_thread

from handrail_detectors._features import PER_CHARACTER, buckets_of
from handrail_detectors._findings import Answer, Finding, Findings

REACH = 64
"""How many characters the classifier looks at together."""

_STEP = 8
_AT_ONCE = 400  # characters that are judged within some two milliseconds, without a thread


class EmbeddedModel:
    """The weights, as they are shipped.

    Attributes:
        labels: what it knows.
    """

    def __init__(self, raw: bytes) -> None:
        (length,) = struct.unpack_from("<I", raw)
        header = json.loads(raw[4 : 4 + length])
        body = zlib.decompress(raw[4 + length :])
        self.labels: tuple[str, ...] = tuple(header["labels"])
        self._bias: list[float] = header["bias"]
        buckets = len(body) // len(self.labels)
        self._weights = [
            array("f", [weight * header["scale"] for weight in array("b", body[n * buckets : (n + 1) * buckets])])
            for n in range(len(self.labels))
        ]

    def classify(self, text: str) -> Findings:
        """Return for each label the score of the stretch that says it most, and where that is."""
        runs = buckets_of(text)
        ends = range(min(REACH, len(text)), len(text) + _STEP, _STEP)
        stretches = [(max(min(end, len(text)) - REACH, 0), min(end, len(text))) for end in ends] or [(0, 0)]
        return tuple(
            self._best(label, bias, weights, runs, stretches)
            for label, bias, weights in zip(self.labels, self._bias, self._weights, strict=True)
        )

    def _best(
        self,
        label: str,
        bias: float,
        weights: array[float],
        runs: list[list[int]],
        stretches: list[tuple[int, int]],
    ) -> Finding:
        sums = [list(accumulate([weights[bucket] for bucket in of_length], initial=0.0)) for of_length in runs]
        last = [len(each) - 1 for each in sums]

        def total(stretch: tuple[int, int]) -> float:
            start, end = stretch
            found = bias
            for number in range(PER_CHARACTER):
                inside = last[number] if end == stretches[-1][1] else min(end, last[number])
                found += sums[number][inside] - sums[number][min(start, last[number])]
            return found

        value, (start, end) = max((total(stretch), stretch) for stretch in stretches)
        return Finding(label, 1 / (1 + math.exp(-max(min(value, 30.0), -30.0))), (start, end))


@lru_cache(maxsize=1)
def shipped_model() -> EmbeddedModel:
    """Load the shipped weights, once."""
    return EmbeddedModel((files("handrail_detectors") / "classifier.bin").read_bytes())


class EmbeddedEngine:
    """Judges with the shipped weights, in a thread where the texts are long.

    Attributes:
        labels: what it may answer.
        exclusive: False: a text may be of several kinds.
    """

    exclusive: bool | None = False

    def __init__(self) -> None:
        self._model = shipped_model()
        self.labels: frozenset[str] | None = frozenset(self._model.labels)

    async def classify(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        """Judge texts."""
        if sum(map(len, texts)) <= _AT_ONCE:
            return self._judged(texts)
        return await anyio.to_thread.run_sync(partial(self._judged, texts))

    def _judged(self, texts: Sequence[str]) -> list[Answer | Exception]:
        return [(self._model.classify(text),) for text in texts]
