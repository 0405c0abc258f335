"""What an answer looks like when it is whole, and what is told beside it, whole or streamed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from handrail import Blocked, GenerationResponse

from handrail_server._beside import beside, calls_beside, head_of, upstream_of, wire_of
from handrail_server._errors import blocked_fields
from handrail_server._reasons import ending
from handrail_server._sse import FUNCTION_CALL, call_fields, usage_fields

if TYPE_CHECKING:
    from handrail import LLMRails

    from handrail_server._policy import Wanted


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """What names an answer: its id, the time it was asked for, the model and the configurations."""

    id: str
    created: int
    model: str
    config_ids: tuple[str, ...]


def guardrails_fields(
    heading: Heading, wanted: Wanted, response: GenerationResponse, withheld: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the object that stands beside the choices."""
    ids = heading.config_ids
    fields: dict[str, Any] = {"config_id": ids[0]} if len(ids) == 1 else {"config_ids": list(ids)}
    if isinstance(response.stop, Blocked):
        fields["blocked"] = blocked_fields(response.stop)
    if withheld:
        fields["withheld"] = list(withheld)
    if upstream := upstream_of(wire_of(response)):
        fields["upstream"] = upstream
    if wanted.thread_id is not None:
        fields["thread_id"] = wanted.thread_id
    return {**fields, **asked_for(wanted, response)}


def asked_for(wanted: Wanted, response: GenerationResponse) -> dict[str, Any]:
    """Return what the client's options ask for."""
    options = wanted.options
    fields: dict[str, Any] = {}
    if log := options.get("log"):
        fields["log"] = _log(log, response)
    if options.get("llm_output"):
        told = (response.llm_metadata or {}).items()
        fields["llm_output"] = plain({name: value for name, value in told if name not in ("refusal", "wire")})
    if options.get("output_vars"):
        fields["output_data"] = plain(response.output_data)
    if wanted.state is not None:
        fields["state"] = wanted.state
    return fields


async def whole_answer(
    heading: Heading,
    wanted: Wanted,
    response: GenerationResponse,
    rails: LLMRails,
    asked: tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the body that answers a request without a stream.

    Args:
        heading: what names the answer.
        wanted: the request.
        response: what came of it.
        rails: judge what stands beside the answer's text.
        asked: the conversation and the options that they were called with.
    """
    wire = wire_of(response)
    message = _message(response, calls=calls_beside(wire, rails))
    if not wanted.openai:
        fields = {"messages": [message], **asked_for(wanted, response)}
        if isinstance(response.stop, Blocked):
            fields["guardrails"] = {"blocked": blocked_fields(response.stop)}
        return fields
    if response.reasoning_content and "reasoning" not in rails.composition.withheld:
        message["reasoning_content"] = response.reasoning_content
    found = await beside(rails, *asked, response)
    message = {**found.message, **message}
    choice = {"index": 0, "message": message, "logprobs": None, **found.choice, **ending(response)}
    return {
        **found.answer,
        "id": heading.id,
        "object": "chat.completion",
        "created": heading.created,
        "model": heading.model,
        **head_of(wire),
        "choices": [choice],
        "usage": usage_fields(response.usage, wire.get("usage")),
        "guardrails": guardrails_fields(heading, wanted, response, found.withheld),
    }


def refusal(response: GenerationResponse) -> str:
    """Return what a user is shown in place of an answer that was blocked."""
    last = response.response if isinstance(response.response, str) else response.response[-1].get("content")
    return last if isinstance(last, str) else getattr(response.stop, "message", "")


def saved_message(response: GenerationResponse) -> dict[str, Any]:
    """Return the assistant's message as a thread keeps it: what was delivered, or else the refusal."""
    calls = wire_of(response).get("tool_calls") or {}
    return _message(response, delivered=response.stop is not None and bool(response.text), calls=calls)


def plain(value: Any) -> Any:
    """Turn records into what JSON has; what it has not, into text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _message(
    response: GenerationResponse,
    *,
    delivered: bool = False,
    calls: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    if response.stop is not None:
        return {"role": "assistant", "content": response.text if delivered else refusal(response)}
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if wire_of(response).get("refusal"):
        message |= {"content": None, "refusal": response.text}
    if response.tool_calls:
        message["content"] = message["content"] or None
        made = [call_fields(call, calls.get(at, {})) for at, call in enumerate(response.tool_calls)]
        old = calls.get(0, {}).get("type") == FUNCTION_CALL
        message |= {FUNCTION_CALL: made[0]["function"]} if old else {"tool_calls": made}
    return message


def _log(asked: Mapping[str, bool], response: GenerationResponse) -> dict[str, Any]:
    if response.log is None:
        return {}
    fields: dict[str, Any] = {name: plain(getattr(response.log, name)) for name, wanted in asked.items() if wanted}
    fields["stats"] = plain(response.log.stats)
    if "activated_rails" in fields and not asked.get("llm_calls"):
        for rail in (
            fields["activated_rails"] or ()
        ):  # prompts and completions are another part, which was not asked for
            for action in rail["executed_actions"]:
                action.pop("llm_calls")
    return fields
