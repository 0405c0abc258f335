"""What an answer looks like when it is whole, and what is told beside it, whole or streamed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail import Blocked, GenerationResponse

from handrail_server._errors import blocked_fields
from handrail_server._sse import usage_fields

if TYPE_CHECKING:
    from handrail_server._policy import Wanted

_REASONS = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """What names an answer: its id, the time it was asked for, the model and the configurations."""

    id: str
    created: int
    model: str
    config_ids: tuple[str, ...]


def finish_reason(response: GenerationResponse) -> str:
    """Give why an answer ended, in OpenAI's words."""
    if isinstance(response.stop, Blocked):
        return "content_filter"
    if response.finish_reason in _REASONS:
        return str(response.finish_reason)
    return "tool_calls" if response.tool_calls else "stop"


def guardrails_fields(heading: Heading, wanted: Wanted, response: GenerationResponse) -> dict[str, Any]:
    """Give the object that stands beside the choices."""
    ids = heading.config_ids
    fields: dict[str, Any] = {"config_id": ids[0]} if len(ids) == 1 else {"config_ids": list(ids)}
    if isinstance(response.stop, Blocked):
        fields["blocked"] = blocked_fields(response.stop)
    if wanted.thread_id is not None:
        fields["thread_id"] = wanted.thread_id
    return {**fields, **asked_for(wanted, response)}


def asked_for(wanted: Wanted, response: GenerationResponse) -> dict[str, Any]:
    """Give what the client's options ask for."""
    options = wanted.options
    fields: dict[str, Any] = {}
    if log := options.get("log"):
        fields["log"] = _log(log, response)
    if options.get("llm_output"):
        fields["llm_output"] = plain(response.llm_metadata)
    if options.get("output_vars"):
        fields["output_data"] = plain(response.output_data)
    if wanted.state is not None:
        fields["state"] = wanted.state
    return fields


def whole_answer(heading: Heading, wanted: Wanted, response: GenerationResponse) -> dict[str, Any]:
    """Give the body that answers a request without a stream."""
    message = _message(response)
    if not wanted.openai:
        fields = {"messages": [message], **asked_for(wanted, response)}
        if isinstance(response.stop, Blocked):
            fields["guardrails"] = {"blocked": blocked_fields(response.stop)}
        return fields
    if response.reasoning_content:
        message["reasoning_content"] = response.reasoning_content
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(response)}
    return {
        "id": heading.id,
        "object": "chat.completion",
        "created": heading.created,
        "model": heading.model,
        "choices": [choice],
        "usage": usage_fields(response.usage),
        "guardrails": guardrails_fields(heading, wanted, response),
    }


def refusal(response: GenerationResponse) -> str:
    """Give what a user is shown in place of an answer that was blocked."""
    last = response.response if isinstance(response.response, str) else response.response[-1].get("content")
    return last if isinstance(last, str) else getattr(response.stop, "message", "")


def saved_message(response: GenerationResponse) -> dict[str, Any]:
    """Give the assistant's message as a thread keeps it: what was delivered, or else the refusal."""
    return _message(response, delivered=response.stop is not None and bool(response.text))


def plain(value: Any) -> Any:
    """Turn records into what JSON has; what it has not, into text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _message(response: GenerationResponse, *, delivered: bool = False) -> dict[str, Any]:
    if response.stop is not None:
        return {"role": "assistant", "content": response.text if delivered else refusal(response)}
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if response.tool_calls:
        message["content"] = response.text or None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in response.tool_calls
        ]
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
