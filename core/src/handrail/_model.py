"""A configured language model: a provider with its name, whose requests are written into the journal of a call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import anyio

from handrail._turn import LLMCall
from handrail._types import Chunk, Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handrail._protocols import CountTokens, Provider
    from handrail._turn import Turn


@dataclass(slots=True)
class Completion:
    """A whole answer of a model, put together from its chunks."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
