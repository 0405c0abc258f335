"""`POST /v1/messages/count_tokens`: about how many tokens a request would send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail import LLMCall
from starlette.requests import Request

from handrail_server._dialects import Messages
from handrail_server._endpoints import Json
from handrail_server._reading import read_body
from handrail_server._sse import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from handrail_server._configs import Loaded
    from handrail_server._services import Services

_PER_MESSAGE = 4  # for its role and its borders


class TokenCounts:
    """Counts with the vocabulary of the configuration's main model, or estimates; no model is asked."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._dialect = Messages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the number of tokens."""
        body = await read_body(self._dialect.body, Request(scope, receive), self._services.settings.limits)
        if body is None:
            return
        services = self._services.of(scope["handrail.tenant"])
        wanted = services.gatekeeper.chat(self._dialect.wanted(body))
        ids, model = services.choose(wanted)
        async with services.configurations.use(ids) as loaded:
            tools = services.options(wanted, loaded, model).get("llm_params", {}).get("tools", ())
            count = _counted(loaded, wanted.messages, tools)
        await Json({"input_tokens": count})(scope, receive, send)


def _counted(loaded: Loaded, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any]) -> int:
    counter = loaded.rails.composition.counter
    said = "\n".join(text for message in messages for text in _texts(message))
    offered = to_json(tools).decode("utf-8", "replace") if tools else ""
    call = LLMCall("count", "", "", f"{said}\n{offered}", count_tokens=counter.count)  # long texts by samples
    return call.usage.input_tokens + _PER_MESSAGE * len(messages)


def _texts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    calls = message.get("tool_calls") or ()
    said = [call["function"]["name"] + call["function"]["arguments"] for call in calls]
    return [str(part["text"]) for part in parts if part.get("text")] + said
