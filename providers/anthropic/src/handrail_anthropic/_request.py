"""Puts a request together from the conversation, the configured parameters and those of the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail_http import BadParameterError

from handrail_anthropic._messages import conversation
from handrail_anthropic._tools import tool_choice_of, tools_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import Message
    from handrail_http import Endpoint

    from handrail_anthropic._settings import AnthropicSettings

_OURS = ("stream", "streaming", "stream_options", "messages", "model", "system")
# fmt: off
_WITHOUT_A_COUNTERPART = (
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "modalities", "prediction",
    "presence_penalty", "previous_response_id", "seed", "store", "top_logprobs", "verbosity", "web_search_options",
)
# fmt: on
_IDLE: tuple[object, ...] = (None, 0, False, {}, [], ["text"])
"""Values at which a parameter changes nothing."""


def request_body(
    endpoint: Endpoint, settings: AnthropicSettings, messages: Sequence[Message], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a request.

    Raises:
        BadParameterError: a message or a parameter has no counterpart in the Messages API; the text names it.
    """
    given = {**settings.body, **params}
    for name in settings.drop_params:
        given.pop(name, None)
    _refuse_what_no_stream_has(given)
    system, turns = conversation(messages)
    if own := given.get("system"):
        system = [*([{"type": "text", "text": own}] if isinstance(own, str) else own), *system]
    for name in _OURS:
        given.pop(name, None)
    body = {name: value for name, value in _translated(given).items() if value is not None}
    body.setdefault("max_tokens", settings.max_tokens)
    if system:
        body["system"] = system
    return {"model": params.get("model") or endpoint.model, "messages": turns, "stream": True, **body}


def _refuse_what_no_stream_has(given: dict[str, Any]) -> None:
    if given.pop("n", None) not in (None, 1):
        raise BadParameterError("'n' must be 1: a stream is one answer; ask several times instead", param="n")
    if given.get("stream") is False:
        raise BadParameterError("'stream' cannot be false: a provider always streams", param="stream")
    for name in _WITHOUT_A_COUNTERPART:
        if given.pop(name, None) not in (_IDLE if name != "seed" else (None,)):
            what = f"{name!r} is not supported by the Messages API; leave it out, or in 'drop_params'"
            raise BadParameterError(what, param=name)


def _translated(given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters by the API's names. What has no other name there is left as it is."""
    body = dict(given)
    limits = [body.pop(name, None) for name in ("max_completion_tokens", "max_output_tokens")]
    if body.get("max_tokens") is None:
        body["max_tokens"] = next((limit for limit in limits if limit is not None), None)
    if (stop := body.pop("stop", None)) is not None:
        body.setdefault("stop_sequences", [stop] if isinstance(stop, str) else list(stop))
    if (user := body.pop("user", None)) is not None:
        body["metadata"] = {"user_id": user, **(body.get("metadata") or {})}
    if body.get("tools") is not None:
        body["tools"] = tools_of(body["tools"]) or None
    choice = tool_choice_of(body.pop("tool_choice", None), parallel=body.pop("parallel_tool_calls", None))
    body["tool_choice"] = choice if body.get("tools") else None
    _put_effort(body)
    _put_format(body)
    return body


def _put_effort(body: dict[str, Any]) -> None:
    """Put OpenAI's `reasoning_effort` where the API has it."""
    effort = body.pop("reasoning_effort", None)
    if effort == "none":
        body.setdefault("thinking", {"type": "disabled"})
    elif effort is not None:
        effort = "low" if effort == "minimal" else effort
        body["output_config"] = {"effort": effort, **(body.get("output_config") or {})}


def _put_format(body: dict[str, Any]) -> None:
    """Put OpenAI's `response_format` where the API has it."""
    wanted = body.pop("response_format", None)
    kind = wanted.get("type") if isinstance(wanted, Mapping) else wanted
    if kind in (None, "text"):
        return
    schema = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    if kind != "json_schema" or not isinstance(schema, Mapping) or "schema" not in schema:
        raise BadParameterError(
            "'response_format' must be 'text' or a 'json_schema' with its schema; others are not supported",
            param="response_format",
        )
    form = {"type": "json_schema", "schema": schema["schema"]}
    body["output_config"] = {"format": form, **(body.get("output_config") or {})}
