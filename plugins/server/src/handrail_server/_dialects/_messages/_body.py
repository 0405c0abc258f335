"""The body of a request for a message, and what of it Chat Completions has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, TypeAdapter

from handrail_server._bodies import ANY_OBJECT, ChatBody, Guardrails, Lists, Name, Number, Text
from handrail_server._dialects._messages._input import messages_of, system_of
from handrail_server._dialects._translating import chat_body, kind_of, refuse_unknown, untranslatable
from handrail_server._errors import ApiError

_REFUSED = {
    "container": "no tool runs here",
    "mcp_servers": "a model's own server would bring text that no rail reads",
}
_SET_ASIDE = ("betas", "cache_control", "context_management", "diagnostics", "inference_geo", "speed")
"""Fields that change nothing about what the model is told, or only what it costs."""
THREADS_REFUSED = "thread_unsupported_request"
"""Anthropic's code for a request without a thread; its SDK's runner of tools then sends the whole conversation."""
_NO_THREADS = "'thread' is not supported: no conversation is kept for this protocol; send all of it in 'messages'."
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_EFFORTS = ((2_048, "low"), (8_192, "medium"))
"""Budgets of thinking, in tokens, and the effort that stands for them where a model knows no budget."""


class AnthropicMessage(BaseModel):
    """One message of a conversation, in the form of Anthropic's Messages."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant", "system"]
    content: Text | list[dict[str, Any]]


class MessagesBody(BaseModel):
    """A request for an answer, in the form of Anthropic's Messages; what else it has is a parameter of the model."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    lists: ClassVar[Lists] = {"messages": TypeAdapter(AnthropicMessage), "tools": ANY_OBJECT}

    messages: Annotated[list[AnthropicMessage], Field(min_length=1)]
    model: Name | None = Field(None, description="A configuration's id, or a model that the operator allows.")
    guardrails: Guardrails | None = None
    system: Text | list[dict[str, Any]] | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1, le=2**31)] | None = None
    stream: StrictBool | None = None
    stop_sequences: list[Annotated[Text, Field(min_length=1)]] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


_SAME = ("max_tokens", "stream", "temperature", "top_p", "model", "metadata")


def chat_of(body: MessagesBody) -> ChatBody:
    """Return a request as a body of Chat Completions.

    Raises:
        ApiError: something in it has no counterpart there; the error names it.
    """
    further = dict(body.model_extra or {})
    for name, why in _REFUSED.items():
        if further.get(name):
            raise untranslatable(name, why)
    if further.get("thread"):
        raise ApiError(400, _NO_THREADS, code=THREADS_REFUSED, param="thread")
    if body.guardrails is not None and body.guardrails.trace:
        raise untranslatable("guardrails.trace", "Chat Completions has it")
    return chat_body(
        {
            **{name: getattr(body, name) for name in _SAME},
            **_tools(body),
            **_output(body.output_config or {}),
            **_thinking(body.thinking or {}),
            "guardrails": body.guardrails or Guardrails(),
            "stop": body.stop_sequences,
            "messages": [*system_of(body.system), *messages_of([entry.model_dump() for entry in body.messages])],
        },
        {name: value for name, value in further.items() if name not in (*_SET_ASIDE, *_REFUSED)},
    )


def _tools(body: MessagesBody) -> dict[str, Any]:
    if not body.tools:
        return {}
    choice = body.tool_choice or {}
    fields: dict[str, Any] = {"tools": [_tool(tool, f"tools[{index}]") for index, tool in enumerate(body.tools)]}
    if choice.get("disable_parallel_tool_use"):
        fields["parallel_tool_calls"] = False
    kind = kind_of(choice, "tool_choice")
    if kind == "tool":
        return {**fields, "tool_choice": {"type": "function", "function": {"name": choice.get("name")}}}
    if kind is not None and kind not in _CHOICES:
        raise untranslatable("tool_choice.type", "it must be auto, any, tool or none")
    return {**fields, "tool_choice": _CHOICES[kind]} if kind is not None else fields


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    if tool.get("type") not in (None, "custom"):
        raise untranslatable(f"{place}.type", "tools have a schema; no tool is run or known by a model's own server")
    refuse_unknown(tool, _KNOWN_OF_TOOLS, place)
    named = {"name": "name", "description": "description", "parameters": "input_schema", "strict": "strict"}
    inside = {name: tool[own] for name, own in named.items() if tool.get(own) is not None}
    beside = {"cache_control": tool["cache_control"]} if tool.get("cache_control") else {}
    return {"type": "function", "function": inside, **beside}


_KNOWN_OF_TOOLS: Sequence[str] = (
    *("type", "name", "description", "input_schema", "strict", "cache_control"),
    *("defer_loading", "eager_input_streaming", "allowed_callers", "input_examples"),
)


def _output(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how hard to think, and the form that is asked for."""
    refuse_unknown(config, ("effort", "format"), "output_config")
    fields: dict[str, Any] = {"reasoning_effort": config.get("effort")}
    form = config.get("format")
    if form is None:
        return fields
    if not isinstance(form, Mapping) or form.get("type") != "json_schema":
        raise untranslatable("output_config.format", "it must be a json_schema")
    schema = {"name": "answer", "schema": form.get("schema")}
    return {**fields, "response_format": {"type": "json_schema", "json_schema": schema}}


def _thinking(thinking: Mapping[str, Any]) -> dict[str, Any]:
    """Return thinking as it came, and what stands for it where a model knows no budget."""
    if not thinking:
        return {}
    budget = thinking.get("budget_tokens")
    if thinking.get("type") != "enabled" or not isinstance(budget, int):
        return {"thinking": dict(thinking)}
    effort = next((word for most, word in _EFFORTS if budget <= most), "high")
    return {"thinking": dict(thinking), "reasoning_effort": effort}
