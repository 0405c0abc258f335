"""Handrail: window rails in parallel, with windows of one size as the other systems have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from cases import OVERLAP, WINDOW
from handrail import Chunk, LLMRails, RailsConfig, Registry, StreamError, Verdict
from handrail.plugins import ProviderSpec, RailSpec, hookimpl
from work import BlockedError, Judge, Source


class _Provider:
    """Says what the source says whose number is in the message."""

    def __init__(self, sources: dict[str, Source]) -> None:
        self._sources = sources

    async def stream(self, messages: Any, params: Any) -> AsyncIterator[Chunk]:
        async for token in self._sources[messages[-1]["content"]]:
            yield Chunk(token)


class _Rail:
    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def check(self, window: Any, turn: Any) -> Verdict:
        return Verdict.allow() if await self._judge.allows(window.text) else Verdict.block("forbidden")


class _Plugin:
    def __init__(self, sources: dict[str, Source], judges: list[Judge]) -> None:
        self._sources = sources
        self._judges = judges

    @hookimpl
    def handrail_providers(self) -> Any:
        yield ProviderSpec("bench", lambda settings, context: _Provider(self._sources))

    @hookimpl
    def handrail_rails(self) -> Any:
        for number, judge in enumerate(self._judges):
            yield RailSpec(f"judge {number}", lambda settings, context, judge=judge: _Rail(judge))


class Guarded:
    """A configuration with a judge for each rail."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        self._sources: dict[str, Source] = {}
        windows = {"chunk_size": WINDOW, "context_size": OVERLAP, "first_chunk_size": WINDOW}
        streaming = {"enabled": True, **case.get("streaming", windows)}
        output = {
            "flows": [f"judge {number}" for number in range(len(judges))],
            "parallel": True,
            "streaming": streaming,
        }
        config = {"models": [{"type": "main", "engine": "bench", "model": "bench"}], "rails": {"output": output}}
        registry = Registry.discover().with_plugins(_Plugin(self._sources, judges))
        self._rails = LLMRails(RailsConfig.from_content(config=config), registry=registry)

    async def stream(self, source: Source) -> AsyncIterator[str]:
        """Stream an answer as an application would."""
        key = str(len(self._sources))
        self._sources[key] = source
        stream = self._rails.stream_async(messages=[{"role": "user", "content": key}])
        try:
            async for text in stream:
                if type(text) is StreamError:
                    raise _error(text)
                yield text
        finally:
            await stream.aclose()  # type: ignore[attr-defined]


def _error(text: StreamError) -> Exception:
    return BlockedError() if text.error["code"] == "content_blocked" else RuntimeError(str(text))


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
