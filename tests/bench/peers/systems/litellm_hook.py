"""LiteLLM's proxy: the hook that runs guardrails over a stream, in process, as its settings have it by default."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from fastapi import HTTPException  # noqa: E402  # after LiteLLM is told not to use the network
from litellm.integrations.custom_guardrail import CustomGuardrail  # noqa: E402
from litellm.proxy._types import UserAPIKeyAuth  # noqa: E402
from litellm.proxy.guardrails.guardrail_hooks.unified_guardrail.unified_guardrail import (  # noqa: E402
    UnifiedLLMGuardrails,
)
from litellm.types.guardrails import GuardrailEventHooks  # noqa: E402
from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices  # noqa: E402
from work import BlockedError, Judge, Source  # noqa: E402


class _Guardrail(CustomGuardrail):
    def __init__(self, name: str, judge: Judge) -> None:
        super().__init__(guardrail_name=name, event_hook=GuardrailEventHooks.post_call, default_on=True)
        self._judge = judge

    async def apply_guardrail(self, inputs: Any, request_data: Any, input_type: Any, logging_obj: Any = None) -> Any:
        if not await self._judge.allows("".join(inputs.get("texts") or ())):
            raise HTTPException(400, "forbidden")
        return inputs


async def _chunks(source: Source) -> AsyncIterator[ModelResponseStream]:
    async for token in source:
        yield ModelResponseStream(choices=[StreamingChoices(index=0, delta=Delta(content=token))])
    yield ModelResponseStream(choices=[StreamingChoices(index=0, delta=Delta(), finish_reason="stop")])


class Guarded:
    """A chain of hooks, one for each judge, as the proxy chains them."""

    settings: dict[str, Any] = {}

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        self._guardrails = [_Guardrail(f"judge {number}", judge) for number, judge in enumerate(judges)]

    async def stream(self, source: Source) -> AsyncIterator[str]:
        """Stream an answer through the hooks."""
        key = UserAPIKeyAuth(api_key="none", request_route="/chat/completions")
        stream: Any = _chunks(source)
        for guardrail in self._guardrails:
            hook = UnifiedLLMGuardrails(**self.settings).async_post_call_streaming_iterator_hook
            request = {"messages": [], "model": "bench", "stream": True}
            stream = hook(key, stream, request, guardrail_to_apply=guardrail)
        try:
            async for item in stream:
                if not isinstance(item, ModelResponseStream):  # an error as server-sent events have it
                    raise BlockedError
                if content := item.choices[0].delta.content:
                    yield content
        except HTTPException as exc:  # how it ends where no text has gone out yet
            raise BlockedError from exc


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
