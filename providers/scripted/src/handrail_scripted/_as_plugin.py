"""A plugin around a model that exists already, for tests and for programs that embed Handrail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail_scripted._provider import ScriptedProvider


class EnginePlugin:
    """Offers one model as an engine; whatever a configuration says of it, it stays as it was made."""

    def __init__(self, provider: ScriptedProvider, engine: str) -> None:
        self._provider = provider
        self._engine = engine

    @hookimpl
    def handrail_providers(self) -> Iterator[ProviderSpec]:
        """Offer the model."""
        yield ProviderSpec(
            name=self._engine, target=lambda _settings, _context: self._provider, summary="A model of a test."
        )
