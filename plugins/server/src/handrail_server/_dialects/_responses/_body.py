"""The body of a request for a response, and what of it Chat Completions has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from handrail_server._bodies import ANY_OBJECT, ChatBody, Guardrails, Lists, Name, Number, Text
from handrail_server._dialects._responses._input import messages_of
from handrail_server._dialects._responses._tools import choice_of, tools_of
from handrail_server._dialects._translating import chat_body, refuse_unknown, untranslatable

_REFUSED = {
    "background": "an answer is guarded while its client waits for it; leave it out",
    "conversation": "conversations are kept by 'previous_response_id' here",
    "max_tool_calls": "no tool runs here",
    "moderation": "the configuration's rails judge the answer",
    "prompt": "prompts are the configuration's",
    "top_logprobs": "log probabilities tell text that no rail has judged",
}
_SET_ASIDE = ("client_metadata", "include", "prompt_cache_options", "truncation")
"""Fields that say nothing about the answer here; values that would are refused below."""
_INCLUDED = frozenset(("reasoning.encrypted_content",))


class ResponsesBody(BaseModel):
    """A request for an answer, in the form of OpenAI's Responses; what else it has is a parameter of the model."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    lists: ClassVar[Lists] = {"input": ANY_OBJECT, "tools": ANY_OBJECT}

    input: Text | list[dict[str, Any]]
    model: Name | None = Field(None, description="A configuration's id, or a model that the operator allows.")
    guardrails: Guardrails | None = None
    instructions: Text | None = None
    previous_response_id: Annotated[Text, Field(min_length=1, max_length=255)] | None = None
    store: StrictBool | None = Field(None, description="Whether a later request may go on from this answer.")
    stream: StrictBool | None = None
    stream_options: dict[str, Any] | None = None
    background: StrictBool | None = None
    max_output_tokens: Annotated[StrictInt, Field(ge=1, le=2**31)] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    parallel_tool_calls: StrictBool | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Text | dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    include: list[Text] | None = None
    truncation: Text | None = None
    metadata: dict[str, Any] | None = None


_TRANSLATED = frozenset(ResponsesBody.model_fields) - {"temperature", "top_p", "parallel_tool_calls", "metadata"}


def chat_of(body: ResponsesBody) -> ChatBody:
    """Return a request as a body of Chat Completions.

    Raises:
        ApiError: something in it has no counterpart there; the error names it.
    """
    _refuse(body)
    further = {**body.model_extra, "store": body.store} if body.model_extra else {"store": body.store}
    same = {name: getattr(body, name) for name in ResponsesBody.model_fields if name not in _TRANSLATED}
    instructions = [{"role": "system", "content": body.instructions}] if body.instructions else []
    return chat_body(
        {
            **same,
            **_text(body.text or {}),
            **_reasoning(body.reasoning or {}),
            "model": body.model,
            "guardrails": body.guardrails or Guardrails(),
            "stream": body.stream,
            "max_tokens": body.max_output_tokens,
            "tools": tools_of(body.tools) if body.tools else None,
            "tool_choice": choice_of(body.tool_choice) if body.tools else None,
            "messages": [*instructions, *messages_of(body.input)],
        },
        {name: value for name, value in further.items() if name not in (*_SET_ASIDE, *_REFUSED)},
    )


def _refuse(body: ResponsesBody) -> None:
    given = {**body.model_dump(include={"background"}), **(body.model_extra or {})}
    for name, why in _REFUSED.items():
        if given.get(name):
            raise untranslatable(name, why)
    if body.truncation not in (None, "disabled"):
        raise untranslatable("truncation", "no message is left out here; shorten the input")
    for name in body.include or ():
        if name not in _INCLUDED:
            raise untranslatable("include", f"there is no {name!r} here")
    _refuse_threads(body, given)


def _refuse_threads(body: ResponsesBody, given: Mapping[str, Any]) -> None:
    own = body.guardrails
    places = {
        "guardrails.trace": own is not None and own.trace,
        "guardrails.thread_id": own is not None and own.thread_id,
        "thread_id": given.get("thread_id"),
    }
    for place, value in places.items():
        if value:
            raise untranslatable(place, "Chat Completions has it; here 'previous_response_id' names what to go on from")


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form that is asked for, and how much."""
    refuse_unknown(text, ("format", "verbosity"), "text")
    fields = {"verbosity": text.get("verbosity")}
    form = text.get("format")
    kind = form.get("type") if isinstance(form, Mapping) else form
    if kind in (None, "text"):
        return fields
    if kind == "json_object":
        return {**fields, "response_format": {"type": kind}}
    if kind != "json_schema" or not isinstance(form, Mapping):
        raise untranslatable("text.format.type", "it must be text, json_object or json_schema")
    schema = {name: value for name, value in form.items() if name != "type"}
    return {**fields, "response_format": {"type": kind, "json_schema": schema}}


def _reasoning(reasoning: Mapping[str, Any]) -> dict[str, Any]:
    """Return how hard to think. Summaries are asked for in vain: the reasoning that rails let through is given."""
    refuse_unknown(reasoning, ("effort", "summary", "generate_summary"), "reasoning")
    return {"reasoning_effort": reasoning.get("effort")}
