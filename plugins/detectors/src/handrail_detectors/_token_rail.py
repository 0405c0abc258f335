"""The rail `token classifier`: a causal model reads each stream as it comes, and says of each token what it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from anyio.lowlevel import checkpoint_if_cancelled
from handrail.errors import ConfigurationError

from handrail_detectors._labels import Labels
from handrail_detectors._rail import LONE, configured_threshold

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Verdict, Window

    from handrail_detectors._settings import TokenSettings


class TokenClassifier:
    """`token classifier`: refuses a window in which a token is likely to be of a label that stands for a violation.

    Raises:
        ConfigurationError: the model cannot be had, is not causal, or labels do not fit it.
    """

    def __init__(self, settings: TokenSettings, context: RailContext) -> None:
        self.settings = settings
        try:
            from handrail_detectors._causal import CausalModel
        except ImportError as exc:
            raise ConfigurationError(
                f"rail {context.name!r} needs {exc.name or 'packages'}, which cannot be imported: "
                f'pip install "handrail-detectors[transformers]"',
                code="missing-package",
                subject="handrail-detectors[transformers]",
                fix='pip install "handrail-detectors[transformers]"',
            ) from exc
        folder = context.base_path / settings.model
        self.model = CausalModel(str(folder) if folder.is_dir() else settings.model, settings, context.name)
        self.labels = Labels(
            context.name,
            settings.labels,
            settings.thresholds,
            threshold=configured_threshold(settings, context),
            known=self.model.labels,
            exclusive=False,
        )

    def open(self, turn: Turn) -> Session:  # noqa: ARG002  # the interface of a stateful rail
        """Start a stream."""
        return Session(self)


class Session:
    """Reads one stream."""

    def __init__(self, rail: TokenClassifier) -> None:
        self._rail = rail
        self._reader: Any = None

    async def check(self, window: Window) -> Verdict:
        """Judge the next window, of which only what is new goes through the model."""
        rail = self._rail
        new = window.text[window.start - window.context_start :]
        if self._reader is None:
            self._reader, new = rail.model.reader(window.context_start), window.text
        text = LONE.sub("\ufffd", new)
        answer = await anyio.to_thread.run_sync(partial(rail.model.answer, self._reader, text, window.context_start))
        await checkpoint_if_cancelled()  # a thread is not left before it has ended
        return rail.labels.verdict(answer, window)
