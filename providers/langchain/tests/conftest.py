"""Models of LangChain's kind, whose asyncio is not needed, and chunks of its shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import pytest


@dataclass
class Piece:
    """A message chunk."""

    content: Any = ""
    usage_metadata: Any = None
    response_metadata: Any = None
    tool_call_chunks: Any = None
    additional_kwargs: Any = field(default_factory=dict)


class ChatModel:
    """Streams pieces, and counts who is under way."""

    stream_usage = False

    def __init__(self, *pieces, error=None):
        self.model_name = "fake-chat"
        self.pieces, self.error = pieces, error
        self.asked, self.open = [], 0

    async def astream(self, messages, **parameters):
        self.asked.append((messages, parameters))
        self.open += 1
        try:
            for piece in self.pieces:
                await anyio.lowlevel.checkpoint()
                yield piece
            if self.error is not None:
                raise self.error
        finally:
            self.open -= 1


@pytest.fixture
def chat_model():
    return ChatModel


@pytest.fixture
def piece():
    return Piece
