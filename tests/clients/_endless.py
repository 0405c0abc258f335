"""A model that never ends its answer, and counts how much of it was taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from handrail import Chunk
from handrail_testkit import ProtocolServer

_PAUSE = 0.02  # seconds


class EndlessServer(ProtocolServer):
    """Sends numbers, one in each event, for as long as somebody reads.

    Attributes:
        sent: how many each reader was sent, the oldest first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: deque[int] = deque()
        self.models["m"] = self

    async def stream(self, messages: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:  # noqa: ARG002  # the protocol's
        """Yield numbers from 1 on."""
        number = 0
        try:
            while True:
                number += 1
                yield Chunk(f"{number} ")
                await asyncio.sleep(_PAUSE)
        finally:
            self.sent.append(number)

    async def aclose(self) -> None:
        """Close nothing."""


def asking(server: EndlessServer) -> dict[str, Any]:
    """Return a configuration that asks it, behind a rail that lets all of it through."""
    parameters = {"base_url": server.base_url, "api": "chat", "api_key": "k", "max_retries": 0}
    return {
        "models": [{"type": "main", "engine": "openai", "model": "m", "parameters": parameters}],
        "rails": {
            "output": {"flows": ["phrase check"], "streaming": {"enabled": True}},
            "config": {"phrase check": {"phrases": ["swordfish"]}},
        },
    }
