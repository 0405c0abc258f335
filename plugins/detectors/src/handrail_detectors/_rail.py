"""The rail: asks a classifier about the windows of many streams at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail_detectors._engines import engine_of
from handrail_detectors._labels import Labels
from handrail_detectors._pieces import in_pieces

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Verdict, Window

    from handrail_detectors._findings import Answer
    from handrail_detectors._settings import ClassifierSettings, LabelSettings

_EMBEDDED = 16_384  # characters that it judges at once, for it keeps some hundred bytes for each
LONE = re.compile("[\ud800-\udfff]")
"""Halves of a surrogate pair, which neither JSON nor a tokenizer can carry; one character stands for one."""


class Classifier:
    """`classifier`: refuses a window for which a label that stands for a violation scores too high.

    Raises:
        ConfigurationError: the engine cannot be had, or labels do not fit its model.
    """

    def __init__(self, settings: ClassifierSettings, context: RailContext) -> None:
        self._engine = engine_of(settings, context)
        self._most = settings.max_characters or (_EMBEDDED if settings.engine == "embedded" else None)
        self._labels = Labels(
            context.name,
            settings.labels,
            settings.thresholds,
            threshold=configured_threshold(settings, context),
            known=self._engine.labels,
            exclusive=self._engine.exclusive if settings.exclusive is None else settings.exclusive,
        )
        self.batching = settings.batch.limits

    async def check_batch(self, windows: Sequence[Window], turns: Sequence[Turn]) -> Sequence[Verdict | Exception]:  # noqa: ARG002  # the interface
        """Judge windows of many streams."""
        texts = [LONE.sub("\ufffd", window.text) for window in windows]
        answers = await in_pieces(self._engine, texts, self._most)
        return [self._judged(answer, window) for answer, window in zip(answers, windows, strict=True)]

    def _judged(self, answer: Answer | Exception, window: Window) -> Verdict | Exception:
        if isinstance(answer, Exception):
            return answer
        try:
            return self._labels.verdict(answer, window)
        except Exception as exc:  # noqa: BLE001  # a failure of this window alone
            return exc


def configured_threshold(settings: LabelSettings, context: RailContext) -> float | None:
    """Return the kernel's `threshold` for the rail, so that what it refuses has a category and a span."""
    key = context.config.rail_key(context.name, None)
    options, _ = context.config.rail_options(key or context.name, fields=type(settings).model_fields)
    return options.threshold
