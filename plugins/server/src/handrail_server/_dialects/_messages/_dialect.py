"""Anthropic's Messages, over the interface that all dialects have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail_server._dialects._messages._body import THREADS_REFUSED, MessagesBody, chat_of
from handrail_server._dialects._messages._output import whole_message
from handrail_server._dialects._messages._writer import MessageWriter

if TYPE_CHECKING:
    from handrail_server._bodies import ChatBody
    from handrail_server._dialects._dialect import Ended, Heading
    from handrail_server._errors import ApiError
    from handrail_server._policy import Wanted

_OWN_ENGINE = "anthropic"
_ONLY_THERE = frozenset(("cache_control", "is_error", "thinking_blocks"))
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class Messages:
    """`POST /v1/messages`."""

    name = "messages"
    id_prefix = "msg_"
    path = "/v1/messages"
    body = MessagesBody

    def wanted(self, body: MessagesBody) -> ChatBody:
        """Return a request as a body of Chat Completions."""
        return chat_of(body)

    def adapted(self, wanted: Wanted, body: MessagesBody, engine: str) -> Wanted:
        """Return the request for its engine: what only Anthropic's API knows goes to no other."""
        parameters = dict(wanted.options.get("llm_params", {}))
        if engine == _OWN_ENGINE:
            if body.thinking and not (body.output_config or {}).get("effort"):
                parameters.pop("reasoning_effort", None)
            return replace(wanted, options={**wanted.options, "llm_params": parameters})
        parameters.pop("thinking", None)
        if "tools" in parameters:
            parameters["tools"] = [_without(tool) for tool in parameters["tools"]]
        messages = tuple(_without(message) for message in wanted.messages)
        return replace(wanted, messages=messages, options={**wanted.options, "llm_params": parameters})

    def writer(self, heading: Heading, wanted: Wanted, body: MessagesBody) -> MessageWriter:  # noqa: ARG002  # the protocol's
        """Return what writes a message as a stream."""
        return MessageWriter(heading, self.error)

    def whole(self, ended: Ended, body: MessagesBody) -> Mapping[str, Any]:  # noqa: ARG002  # likewise
        """Return a message."""
        return whole_message(ended)

    def error(self, error: ApiError) -> Mapping[str, Any]:
        """Return the body of an error, with what OpenAI's has beside it."""
        usual = "invalid_request_error" if error.status < 500 else "api_error"
        fields = {"type": _TYPES.get(error.status, usual), "message": error.message}
        told: dict[str, Any] = {**fields, "code": error.code, "param": error.param}
        if error.code == THREADS_REFUSED:
            told["details"] = {"error_code": error.code, "unsupported": [error.param]}
        return {"type": "error", "error": told}


def _without(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message or a tool without what only Anthropic's API knows."""
    kept = {name: value for name, value in entry.items() if name not in _ONLY_THERE}
    content = kept.get("content")
    if isinstance(content, list):
        parts = [{name: value for name, value in part.items() if name not in _ONLY_THERE} for part in content]
        plain = len(parts) == 1 and parts[0].keys() == {"type", "text"}
        kept["content"] = parts[0]["text"] if plain else parts
    return kept
