"""OpenAI Guardrails: its client, with a custom check for each judge; the service itself is answered in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from guardrails import GuardrailsAsyncOpenAI, GuardrailTripwireTriggered
from guardrails.registry import default_spec_registry
from guardrails.types import GuardrailResult
from pydantic import BaseModel
from work import BlockedError, Judge, Source


class _NoSettings(BaseModel):
    pass


def _register(name: str, judge: Judge) -> None:
    async def check(ctx: Any, data: str, config: _NoSettings) -> GuardrailResult:
        return GuardrailResult(tripwire_triggered=not await judge.allows(data), info={"guardrail_name": name})

    default_spec_registry.register(name, check, "bench", "text/plain")


async def _chunks(source: Source) -> AsyncIterator[Any]:
    async for token in source:  # of the SDK's shape, but cheap, since making its objects is not what is measured
        yield SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(content=token))])


class Guarded:
    """A client whose answers come from the source whose number is in the message."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        names = [f"judge {id(judge)}" for judge in judges]
        for name, judge in zip(names, judges, strict=True):
            _register(name, judge)
        output = {"version": 1, "guardrails": [{"name": name, "config": {}} for name in names]}
        self._client = GuardrailsAsyncOpenAI(config={"version": 1, "output": output}, api_key="none")
        self._sources: dict[str, Source] = {}
        completions = SimpleNamespace(create=self._create)
        object.__setattr__(
            self._client, "_resource_client", SimpleNamespace(chat=SimpleNamespace(completions=completions))
        )

    async def _create(self, *, messages: Any, **kwargs: Any) -> AsyncIterator[Any]:
        return _chunks(self._sources[messages[-1]["content"]])

    async def stream(self, source: Source) -> AsyncIterator[str]:
        """Stream an answer as an application would."""
        key = str(len(self._sources))
        self._sources[key] = source
        messages = [{"role": "user", "content": key}]
        stream = await self._client.chat.completions.create(messages=messages, model="bench", stream=True)
        try:
            async for response in stream:
                if content := response.choices[0].delta.content:
                    yield content
        except GuardrailTripwireTriggered as exc:
            raise BlockedError from exc


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
