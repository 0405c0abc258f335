"""Puts a request to the Responses API together from what is written for Chat Completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail_http import BadParameterError

from handrail_openai._api import CHAT_ONLY, at_openai, changes_something, reasons
from handrail_openai._responses._input import items_of
from handrail_openai._responses._tools import choice_of, format_of, tools_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import Message

    from handrail_openai._endpoint import Endpoint
    from handrail_openai._settings import OpenAISettings

_OURS = ("input", "messages", "model", "n", "stream", "streaming")
_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")
_SEALED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"


def responses_body(
    endpoint: Endpoint, settings: OpenAISettings, messages: Sequence[Message], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a request. The server stores nothing of it, unless `store` says so.

    Raises:
        BadParameterError: a message or a parameter has no counterpart in the Responses API; the text names it.
    """
    given = {**settings.body, **params}
    for name in settings.drop_params:
        given.pop(name, None)
    _refuse(given)
    for name in _OURS:
        given.pop(name, None)
    given = {name: value for name, value in given.items() if value is not None}
    model = str(params.get("model") or settings.azure_deployment or endpoint.model)
    _translate(given)
    stored = given.setdefault("store", False) is not False
    if not stored and at_openai(endpoint, settings) and reasons(model):
        _include(given, _SEALED)
    return {"model": model, "input": items_of(messages, stored=stored), "stream": True, **given}


def _refuse(given: dict[str, Any]) -> None:
    """Take out what is not sent, as long as it changes nothing."""
    if given.get("n") not in (None, 1):
        raise BadParameterError("'n' must be 1: a stream is one answer; ask several times instead", param="n")
    if given.get("stream") is False:
        raise BadParameterError("'stream' cannot be false: a provider always streams", param="stream")
    if given.pop("background", None):
        raise BadParameterError(
            "'background' cannot be true: an answer that is not read must not go on", param="background"
        )
    for name in CHAT_ONLY & given.keys():
        if changes_something(name, given.pop(name)):
            raise BadParameterError(
                f"{name!r} is not supported by the Responses API; leave it out or in 'drop_params', or set 'api: chat'",
                param=name,
            )


def _translate(body: dict[str, Any]) -> None:
    """Call the parameters by the API's names. What has no other name there is left as it is."""
    limits = [limit for name in _LIMITS if (limit := body.pop(name, None)) is not None]
    if limits:
        body["max_output_tokens"] = limits[0]
    _put(body, "reasoning", "effort", body.pop("reasoning_effort", None))
    _put(body, "text", "verbosity", body.pop("verbosity", None))
    _put(body, "text", "format", format_of(body.pop("response_format", None)))
    if "tools" in body:
        body["tools"] = tools_of(body["tools"])
        if not body["tools"]:
            del body["tools"]
    if "tool_choice" in body:
        body["tool_choice"] = choice_of(body["tool_choice"])
    if body.pop("logprobs", False):
        _include(body, _LOGPROBS)
    if isinstance(options := body.pop("stream_options", None), Mapping):
        options = {name: value for name, value in options.items() if name != "include_usage"}
        body |= {"stream_options": options} if options else {}


def _put(body: dict[str, Any], name: str, key: str, value: object) -> None:
    if value is not None:
        known = body.get(name)
        body[name] = {key: value, **known} if isinstance(known, Mapping) else {key: value}


def _include(body: dict[str, Any], what: str) -> None:
    known = body.get("include")
    others = list(known) if isinstance(known, list | tuple) else []
    body["include"] = others if what in others else [*others, what]
