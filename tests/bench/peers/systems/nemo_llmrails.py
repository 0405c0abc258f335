"""NeMo Guardrails' `LLMRails` with a model of its own kind: custom actions in parallel, before text is sent."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from cases import OVERLAP, WINDOW
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions.rail_outcome import RailOutcome
from nemoguardrails.types import LLMResponse, LLMResponseChunk
from work import BlockedError, Judge, Source

_NUMBER = re.compile(r"number (\d+)")
_FLOW = """
define flow judge {number}
  $allowed = execute judge_{number}
  if not $allowed
    bot refuse to respond
    stop
"""


class Model:
    """Says what the source says whose number is in the prompt."""

    model_name = "bench"
    provider_name = "bench"
    provider_url = None

    def __init__(self, sources: dict[str, Source]) -> None:
        self._sources = sources

    def _source(self, prompt: Any) -> Source:
        content = prompt if isinstance(prompt, str) else prompt[-1].content
        return self._sources[_NUMBER.findall(content)[-1]]

    async def generate_async(self, prompt: Any, *, stop: Any = None, **kwargs: Any) -> LLMResponse:
        return LLMResponse(content="".join([token async for token in self._source(prompt)]))

    async def stream_async(self, prompt: Any, *, stop: Any = None, **kwargs: Any) -> AsyncIterator[LLMResponseChunk]:
        async for token in self._source(prompt):
            yield LLMResponseChunk(delta_content=token)


def config_of(judges: list[Judge], case: dict[str, Any]) -> RailsConfig:
    """Make a configuration with a flow for each judge."""
    windows = {"chunk_size": WINDOW, "context_size": OVERLAP}
    yaml = {
        "models": [{"type": "main", "engine": "bench", "model": "bench"}],
        "rails": {
            "output": {
                "flows": [f"judge {number}" for number in range(len(judges))],
                "parallel": True,
                "streaming": {
                    "enabled": True,
                    "stream_first": False,
                    **case.get("streaming", windows),
                },
            }
        },
    }
    flows = "".join(_FLOW.format(number=number) for number in range(len(judges)))
    return RailsConfig.from_content(colang_content=flows, yaml_content=json.dumps(yaml))


def action_of(judge: Judge) -> Any:
    """Make the action that a flow calls."""

    async def action(context: dict[str, Any], **others: Any) -> RailOutcome:
        return RailOutcome.allow() if await judge.allows(context["bot_message"]) else RailOutcome.block()

    return action


async def texts(stream: AsyncIterator[Any]) -> AsyncIterator[str]:
    """Separate the JSON of a block from text."""
    async for text in stream:
        if text.startswith('{"error"'):
            error = json.loads(text)["error"]
            if error.get("code") == "content_blocked":
                raise BlockedError
            raise RuntimeError(text)
        yield text


class Guarded:
    """A configuration with an action for each judge."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        self._sources: dict[str, Source] = {}
        self._rails = LLMRails(config_of(judges, case), llm=Model(self._sources))
        for number, judge in enumerate(judges):
            self._rails.register_action(action_of(judge), f"judge_{number}")

    def stream(self, source: Source) -> AsyncIterator[str]:
        """Stream an answer as an application would."""
        key = str(len(self._sources))
        self._sources[key] = source
        return texts(self._rails.stream_async(messages=[{"role": "user", "content": f"number {key}"}]))


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
