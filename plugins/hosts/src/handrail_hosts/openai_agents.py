"""OpenAI Agents: a model that guards another, and guardrails for inputs and tools from a configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    Model,
    ModelRefusalError,
    ModelResponse,
    RunContextWrapper,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
)
from handrail import Blocked, Chunk
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel, TypeAdapter

from handrail_hosts._beside import texts_within
from handrail_hosts._conversation import Conversation
from handrail_hosts._dialects import ResponsesDialect
from handrail_hosts._dialects._responses_request import conversation_of, facts_of, put_back
from handrail_hosts._envelope import plain
from handrail_hosts._errors import AnswerRefusedError
from handrail_hosts._guard import Guarding, HostGuard
from handrail_hosts._openai_objects import event_of, item_of

if TYPE_CHECKING:
    from handrail import Message

_TEXTS: TypeAdapter[Any] = TypeAdapter(ResponseTextDeltaEvent)
_TEXT = "response.output_text.delta"
_UNFIT = "The tool was not called, for its arguments have what must not be passed on."


class RefusedError(ModelRefusalError):
    """A rail refused, which is a refusal of the model to a run.

    Attributes:
        blocked: which rail refused, in which direction, and why.
    """

    def __init__(self, blocked: Blocked) -> None:
        super().__init__(blocked.message)
        self.blocked = blocked


class GuardedModel(Model):
    """A model behind rails: `Agent(name="helper", model=GuardedModel(OpenAIResponsesModel(...), "guard"))`.

    Input rails see what the model is asked with, results of tools included; output rails see its texts and tool calls.
    What goes into the run's history is what they let through. What a server keeps by `previous_response_id` is not.

    Args:
        model: the model.
        rails: rails, a configuration, or the path of one.
    """

    def __init__(self, model: Model, rails: Guarding) -> None:
        self._model = model
        self._guard = HostGuard.of(rails)

    async def get_response(  # as the base class says
        self,
        system_instructions: str | None,
        input: Any,  # noqa: A002  # the SDK's name
        model_settings: Any,
        tools: list[Any],
        output_schema: Any,
        handoffs: list[Any],
        tracing: Any,
        **further: Any,
    ) -> ModelResponse:
        """Return a whole answer as the rails let it through.

        Raises:
            RefusedError: a rail refused.
            GuardFailedError: a rail failed, or the answer has what rails cannot judge.
        """
        asked, answers, dialect = conversation_of(input), list[ModelResponse](), ResponsesDialect()
        body: dict[str, Any] = {}

        async def source(judged: Sequence[Message]) -> AsyncIterator[Chunk]:
            answers.append(
                await self._model.get_response(
                    system_instructions,
                    put_back(asked, judged, input),
                    model_settings,
                    tools,
                    output_schema,
                    handoffs,
                    tracing,
                    **further,
                )
            )
            body["output"] = [_as_dict(item) for item in answers[-1].output]
            yield dialect.read_whole(body)

        try:
            guarded = await self._guard.whole(asked.messages, source, **_facts(tools, output_schema))
        except AnswerRefusedError as refused:
            raise RefusedError(refused.blocked) from None
        reasoning = None if self._guard.withholds_reasoning else guarded.reasoning_content
        output = dialect.write_whole(body, guarded.text, reasoning, guarded.tool_calls)["output"]
        items = [item_of(item) for item in output]
        return replace(answers[-1], output=items, response_id=plain(answers[-1].response_id))

    async def stream_response(  # as the base class says
        self,
        system_instructions: str | None,
        input: Any,  # noqa: A002  # the SDK's name
        model_settings: Any,
        tools: list[Any],
        output_schema: Any,
        handoffs: list[Any],
        tracing: Any,
        **further: Any,
    ) -> AsyncIterator[Any]:
        """Yield events of an answer as the rails let it through.

        Raises:
            RefusedError: a rail refused.
            GuardFailedError: a rail failed, or the answer has what rails cannot judge.
        """
        asked, dialect = conversation_of(input), ResponsesDialect()

        async def source(judged: Sequence[Message]) -> AsyncIterator[Chunk]:
            events = self._model.stream_response(
                system_instructions, put_back(asked, judged, input), model_settings, tools, output_schema,
                handoffs, tracing, **further,
            )  # fmt: skip
            was_text = False  # then another text changes nothing of what the dialect knows
            async with aclosing(events):  # type: ignore[type-var]  # every model has a generator here
                async for event in events:
                    text = _text_of(event)
                    for chunk in (Chunk(text),) if was_text and text is not None else dialect.read(_read(event)):
                        yield chunk
                    was_text = text is not None

        async with aclosing(self._guard.released(asked.messages, source, **_facts(tools, output_schema))) as released:
            async for item in released:
                if isinstance(item, Blocked):
                    raise RefusedError(item)
                for value in dialect.write((item,)):
                    yield _written(value)

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()

    def get_retry_advice(self, request: Any) -> Any:
        """Return what the model advises."""
        return self._model.get_retry_advice(request)


def input_guardrail(rails: Guarding, *, name: str = "handrail") -> InputGuardrail[Any]:
    """Return a guardrail that runs input rails before the agent starts.

    What a rail would rewrite passes as it is here; `GuardedModel` rewrites. The `output_info` of a tripwire is the
    record of the refusal.

    Args:
        rails: rails, a configuration, or the path of one.
        name: the guardrail's name in traces.
    """
    guard = HostGuard.of(rails)

    async def judge(_context: RunContextWrapper[Any], _agent: Agent[Any], asked: Any) -> GuardrailFunctionOutput:
        try:
            await guard.check_input(conversation_of(asked).messages)
        except AnswerRefusedError as refused:
            return GuardrailFunctionOutput(output_info=refused.blocked, tripwire_triggered=True)
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    return InputGuardrail(guardrail_function=judge, name=name, run_in_parallel=False)


def tool_input_guardrail(rails: Guarding, *, name: str = "handrail") -> ToolInputGuardrail[Any]:
    """Return a guardrail that runs output rails over the arguments of a tool call; a refusal is told to the model.

    A call whose arguments a rail would rewrite is rejected, for a guardrail cannot change them; `GuardedModel` does.
    """
    guard = HostGuard.of(rails)

    async def judge(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        function = {"name": data.context.tool_name, "arguments": data.context.tool_arguments}
        call = {"id": data.context.tool_call_id, "type": "function", "function": function}
        try:
            judged = await guard.check_output({"role": "assistant", "content": None, "tool_calls": [call]})
        except AnswerRefusedError as refused:
            return ToolGuardrailFunctionOutput.reject_content(str(refused), refused.blocked)
        if judged.status == "modified":
            return ToolGuardrailFunctionOutput.reject_content(_UNFIT)
        return ToolGuardrailFunctionOutput.allow()

    return ToolInputGuardrail(guardrail_function=judge, name=name)


def tool_output_guardrail(rails: Guarding, *, name: str = "handrail") -> ToolOutputGuardrail[Any]:
    """Return a guardrail that runs input rails over what a tool returned; what they rewrite takes its place."""
    guard = HostGuard.of(rails)

    async def judge(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        said, talk = str(data.output), Conversation[None]()
        asked = {"role": "tool", "tool_call_id": data.context.tool_call_id, "content": said}
        talk.add(None, asked, _files_of(data.output))
        try:
            judged = [changed for _, changed in talk.judged(await guard.check_input(talk.messages))]
        except AnswerRefusedError as refused:
            return ToolGuardrailFunctionOutput.reject_content(str(refused), refused.blocked)
        if judged == [None]:
            return ToolGuardrailFunctionOutput.allow()
        return ToolGuardrailFunctionOutput.reject_content("".join([str(one["content"]) for one in judged if one]))

    return ToolOutputGuardrail(guardrail_function=judge, name=name)


def _files_of(output: Any) -> Iterator[str]:
    """Yield what files of a tool's output say, and what is written there in another form than in its text."""
    items = output if isinstance(output, list | tuple) else (output,)
    shown = str(output)
    for text in texts_within([item.model_dump() if isinstance(item, BaseModel) else item for item in items]):
        if text not in shown:
            yield text


def _facts(tools: Sequence[Any], output_schema: Any) -> dict[str, Any]:
    """Return what rails are told of a request beside its conversation."""
    known = [
        {"type": "function", "name": tool.name, "parameters": tool.params_json_schema}
        for tool in tools
        if hasattr(tool, "params_json_schema")
    ]
    is_text = output_schema is None or output_schema.is_plain_text()
    return facts_of(known, None if is_text else {"type": "json_schema"})


def _as_dict(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else item.model_dump(warnings=False)


def _text_of(event: Any) -> str | None:
    return event.delta if event.type == _TEXT and type(event.delta) is str else None


def _read(event: Any) -> dict[str, Any]:
    if event.type == _TEXT:  # as nearly always
        return {"type": _TEXT, "delta": event.delta}
    return _as_dict(event)


def _written(value: dict[str, Any]) -> Any:
    if value["type"] == _TEXT:  # as nearly always, and quicker
        return _TEXTS.validate_python(value)
    return event_of(value)
