"""Puts a request together from the conversation, the configured parameters and those of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_http import BadParameterError

from handrail_openai._api import at_openai

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail import Message

    from handrail_openai._endpoint import Endpoint
    from handrail_openai._settings import OpenAISettings

_OURS = ("stream", "streaming", "stream_options", "messages", "model")


def request_body(
    endpoint: Endpoint, settings: OpenAISettings, messages: Sequence[Message], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a request.

    Raises:
        BadParameterError: the call asks for several answers, or for none that streams.
    """
    body = {**settings.body, **params}
    if body.pop("n", None) not in (None, 1):
        raise BadParameterError("'n' must be 1: a stream is one answer; ask several times instead", param="n")
    if body.get("stream") is False:
        raise BadParameterError("'stream' cannot be false: a provider always streams", param="stream")
    for name in (*_OURS, *settings.drop_params):
        body.pop(name, None)
    body = {name: value for name, value in body.items() if value is not None}
    # OpenAI has renamed it and refuses the old name for newer models; other servers know no other.
    if "max_tokens" in body and at_openai(endpoint, settings):
        body.setdefault("max_completion_tokens", body.pop("max_tokens"))
    if settings.stream_usage:
        body["stream_options"] = {"include_usage": True}
    model = params.get("model") or endpoint.model
    return {"model": model, "messages": [_as_sent(message) for message in messages], "stream": True, **body}


def _as_sent(message: Message) -> dict[str, Any]:
    """Return a message as it came; an assistant's without content says so, or strict servers refuse it."""
    return {"content": None, **message} if message.get("role") == "assistant" else dict(message)
