"""What a response is made of: its items, and the object around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail_server._dialects._translating import guardrails_of

if TYPE_CHECKING:
    from handrail import ToolCall, Usage

    from handrail_server._dialects._dialect import Ended, Heading
    from handrail_server._dialects._responses._body import ResponsesBody
    from handrail_server._errors import ApiError

Item = dict[str, Any]

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ECHOED = ("instructions", "max_output_tokens", "metadata", "previous_response_id", "reasoning", "temperature", "top_p")


def named(heading: Heading, kind: str, number: int) -> str:
    """Return the id of an item."""
    return f"{kind}_{heading.id.partition('_')[2]}{number:02x}"


def message_item(id: str, content: Sequence[Mapping[str, Any]], status: str) -> Item:  # noqa: A002  # the protocol's
    """Return what the model says."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": list(content)}


def text_part(text: str, annotations: Sequence[Any] = ()) -> Item:
    """Return text of a message."""
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def refusal_part(text: str) -> Item:
    """Return a refusal in a message."""
    return {"type": "refusal", "refusal": text}


def reasoning_item(id: str, text: str, status: str = "completed") -> Item:  # noqa: A002  # likewise
    """Return what the model has thought."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": id, "type": "reasoning", "summary": summary, "status": status}


def call_item(
    id: str,  # noqa: A002  # likewise
    call_id: str,
    name: str,
    said: str,
    *,
    custom: bool,
    status: str,
    namespaces: Mapping[str, tuple[str, str]],
) -> Item:
    """Return a tool call, by the name that its client knows and in its namespace."""
    kind, field = ("custom_tool_call", "input") if custom else ("function_call", "arguments")
    item = {"id": id, "type": kind, "status": status, "call_id": call_id, "name": name, field: said}
    if name in namespaces:
        item["namespace"], item["name"] = namespaces[name]
    return item


def calls_of(ended: Ended) -> Iterator[tuple[ToolCall, bool]]:
    """Yield the tool calls of an answer, and of each whether its tool is a custom one."""
    for index, call in enumerate(ended.calls_given):
        yield call, call.kind == "custom" or ended.calls.get(index, {}).get("type") == "custom"


def annotations_of(ended: Ended) -> list[Any]:
    """Return what rails have let through of the citations, in the flat form that responses have."""
    found: list[Any] = []
    for entry in ended.found.message.get("annotations") or ():
        kind = entry.get("type") if isinstance(entry, Mapping) else None
        inside = entry.get(kind) if isinstance(entry, Mapping) and isinstance(kind, str) else None
        found.append({"type": kind, **inside} if isinstance(inside, Mapping) else entry)
    return found


def response_object(
    heading: Heading,
    body: ResponsesBody,
    status: str,
    output: Sequence[Item],
    *,
    ended: Ended | None = None,
    error: ApiError | None = None,
    told: Sequence[str] = ("annotations",),
) -> dict[str, Any]:
    """Return a response.

    Args:
        heading: what names it.
        body: what was asked for.
        status: how far it is.
        output: its items.
        ended: the answer, once it has ended.
        error: what broke it.
        told: which fields beside the answer are in its items.
    """
    echoed = {name: getattr(body, name) for name in _ECHOED}
    fields: dict[str, Any] = {
        "id": heading.id,
        "object": "response",
        "created_at": heading.created,
        "status": status,
        "background": False,
        "error": None if error is None else {"code": _code(error), "message": error.message, "param": error.param},
        "incomplete_details": None,
        "model": heading.model,
        "output": list(output),
        **echoed,
        "metadata": body.metadata or {},
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "store": body.store is not False,
        "text": body.text or {"format": {"type": "text"}},
        "tool_choice": body.tool_choice or "auto",
        "tools": body.tools or [],
        "truncation": "disabled",
        "usage": None,
    }
    return fields if ended is None else {**fields, **_end(ended, status, told)}


def status_of(ended: Ended) -> str:
    """Return how a response has ended."""
    return "incomplete" if ended.ending["finish_reason"] in _INCOMPLETE else "completed"


def _end(ended: Ended, status: str, told: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"usage": _usage(ended.response.usage)}
    if status == "incomplete":
        fields["incomplete_details"] = {"reason": _INCOMPLETE[ended.ending["finish_reason"]]}
    if native := ended.ending.get("native_finish_reason"):
        fields["native_finish_reason"] = native
    if tier := ended.wire.get("service_tier"):
        fields["service_tier"] = tier
    if (guardrails := guardrails_of(ended, told)) is not None:
        fields["guardrails"] = guardrails
    return fields


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
        **({"estimated": True} if usage.estimated else {}),
    }


def _code(error: ApiError) -> str:
    return error.code or error.type
