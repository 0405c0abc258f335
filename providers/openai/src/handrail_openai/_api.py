"""Which of OpenAI's two interfaces a request goes to: Chat Completions, or Responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from handrail_openai._endpoint import Endpoint
    from handrail_openai._settings import OpenAISettings

Api: TypeAlias = Literal["chat", "responses"]

CHAT_ONLY = frozenset(
    (
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "modalities", "prediction"),
        *("presence_penalty", "seed", "stop", "web_search_options"),
    )
)
"""Parameters that the Responses API does not have."""

RESPONSES_ONLY = frozenset(
    (
        *("context_management", "conversation", "include", "instructions", "max_output_tokens", "max_tool_calls"),
        *("previous_response_id", "prompt", "reasoning", "text", "truncation"),
    )
)
"""Parameters that Chat Completions does not have."""

_REASONS = re.compile(r"(?:ft:)?(?:o[1-9](?!-mini-2024|-preview)|gpt-(?:[5-9]|\d\d)|codex|computer-use)")
_DOES_NOT_REASON = re.compile(r"-chat(?:-|$)|-audio|^(?:ft:)?o1-mini")
_WITHOUT_CHAT = re.compile(r"-pro(?:-|$)|codex|deep-research|computer-use")
_IDLE: tuple[object, ...] = (None, 0, False, "", {}, [], ["text"])


def api_of(endpoint: Endpoint, settings: OpenAISettings, params: Mapping[str, Any]) -> Api:
    """Return the interface that a call with these parameters is made by.

    `auto` chooses Responses at OpenAI itself alone, since every other server has Chat Completions: for models that
    reason, which take tools nowhere else, and where a parameter or a tool needs it. A parameter that only Chat
    Completions has decides for that.
    """
    if settings.api != "auto":
        return settings.api
    model = str(params.get("model") or endpoint.model)
    if not at_openai(endpoint, settings):
        return "chat"
    if _WITHOUT_CHAT.search(model):
        return "responses"
    given = {**settings.body, **params}
    asked = {name for name, value in given.items() if changes_something(name, value)} - set(settings.drop_params)
    if asked & CHAT_ONLY:
        return "chat"
    if asked & RESPONSES_ONLY or _has_tools_of_responses(given.get("tools")):
        return "responses"
    return "responses" if reasons(model) else "chat"


def reasons(model: str) -> bool:
    """Return whether a model of OpenAI's reasons before it answers, by its name."""
    return _REASONS.match(model) is not None and _DOES_NOT_REASON.search(model) is None


def at_openai(endpoint: Endpoint, settings: OpenAISettings) -> bool:
    """Return whether an endpoint is OpenAI's own."""
    if endpoint.kind.name != "openai" or settings.client is not None:
        return False
    return endpoint.base_url is None or urlsplit(endpoint.base_url).hostname == "api.openai.com"


def changes_something(name: str, value: object) -> bool:
    """Return whether a parameter has another value than its default."""
    return value is not None if name == "seed" else not any(value == idle for idle in _IDLE)


def _has_tools_of_responses(tools: object) -> bool:
    """Return whether there is a tool in the form of the Responses API, or one that only it has."""
    if not isinstance(tools, list | tuple):
        return False
    return any(isinstance(tool, Mapping) and tool.get("type") not in tool for tool in tools)
