"""A configuration of a few flows, and an answer that streams through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import yaml
from handrail import Chunk, LLMRails, RailsConfig

TEXT = "Mail jane@example.com, card 4111 1111 1111 1111, key AKIAIOSFODNN7EXAMPLE, done."


def configured(flows: list[str], config: dict[str, Any] | None = None, direction: str = "output") -> RailsConfig:
    section = {"flows": flows} | ({"streaming": {"enabled": True}} if direction == "output" else {})
    return RailsConfig.from_content(
        yaml_content=yaml.safe_dump({"rails": {direction: section, "config": config or {}}})
    )


async def streamed(rails: LLMRails, text: str = TEXT, size: int = 3) -> str:
    async def model() -> AsyncIterator[str]:
        for place in range(0, len(text), size):
            yield text[place : place + size]

    messages = [{"role": "user", "content": "hello"}]
    return "".join([str(piece) async for piece in rails.stream_async(messages=messages, generator=model())])


class EchoProvider:
    """Answers with the newest message."""

    async def stream(self, messages: list[dict[str, Any]], params: object) -> AsyncIterator[Chunk]:
        """Yield the newest message as the answer."""
        yield Chunk(text=messages[-1]["content"])
