"""pydantic-ai: a model that guards another, for agents, structured output and tools alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from handrail import Blocked, Chunk, Event, ReasoningDelta, ToolCallDelta
from pydantic_ai.exceptions import ContentFilterError
from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponsePart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel

from handrail_hosts._envelope import plain
from handrail_hosts._errors import AnswerRefusedError
from handrail_hosts._guard import Guarding, HostGuard
from handrail_hosts._pydantic_ai import Reader, conversation_of, put_back, read_whole
from handrail_hosts._pydantic_ai_parts import parts_of

if TYPE_CHECKING:
    from handrail import GuardedStream, Message
    from pydantic_ai.messages import ModelResponseStreamEvent
    from pydantic_ai.settings import ModelSettings
    from pydantic_ai.usage import RequestUsage


class RefusedError(ContentFilterError):
    """A rail refused, which is a content filter's error to an agent.

    Attributes:
        blocked: which rail refused, in which direction, and why.
    """

    def __init__(self, blocked: Blocked) -> None:
        super().__init__(blocked.message)
        self.blocked = blocked


class GuardedModel(WrapperModel):
    """A model behind rails: `Agent(GuardedModel("openai:gpt-5", rails="guard"))`.

    Input rails see what the model is asked with, results of tools included; output rails see its texts and tool calls.
    What goes into the agent's history is what they let through.

    Batches and compaction are refused, as of a model that has neither: no rail would read what comes of them.

    Args:
        wrapped: the model, or its name.
        rails: rails, a configuration, or the path of one.
    """

    compact_messages = Model.compact_messages
    batch_encode = Model.batch_encode
    batch_create = Model.batch_create
    batch_results = Model.batch_results
    batch_decode = Model.batch_decode

    def __init__(self, wrapped: Model | str, rails: Guarding) -> None:
        super().__init__(wrapped)
        self._guard = HostGuard.of(rails)

    @property
    def without_reasoning(self) -> bool:
        """Whether the model's thinking is kept back, because no rail reads it."""
        return self._guard.withholds_reasoning

    @property
    def batch_max_requests(self) -> int | None:
        """None, which says that there are no batches."""
        return None

    async def count_tokens(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> RequestUsage:
        """Return how many tokens a request has as the input rails let it through; some providers are asked for that.

        Raises:
            RefusedError: a rail refused.
            GuardFailedError: a rail failed.
        """
        asked = conversation_of(messages)
        try:
            judged = await self._guard.check_input(asked.messages)
        except AnswerRefusedError as refused:
            raise RefusedError(refused.blocked) from None
        return await self.wrapped.count_tokens(put_back(asked, judged), model_settings, model_request_parameters)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Return a whole answer as the rails let it through.

        Raises:
            RefusedError: a rail refused.
            GuardFailedError: a rail failed, or the answer has what rails cannot judge.
        """
        asked, answers = conversation_of(messages), list[ModelResponse]()

        async def source(judged: Sequence[Message]) -> AsyncIterator[Chunk]:
            answers.append(
                await self.wrapped.request(put_back(asked, judged), model_settings, model_request_parameters)
            )
            yield read_whole(answers[-1])

        try:
            guarded = await self._guard.whole(asked.messages, source, **_facts(model_request_parameters))
        except AnswerRefusedError as refused:
            raise RefusedError(refused.blocked) from None
        return replace(
            answers[-1],
            parts=parts_of(guarded, answers[-1], without_reasoning=self.without_reasoning),
            model_name=plain(answers[-1].model_name),
            provider_response_id=plain(answers[-1].provider_response_id),
            provider_url=plain(answers[-1].provider_url),
            provider_details=None,
        )

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Stream an answer as the rails let it through; it begins once there is something of it.

        Raises:
            RefusedError: a rail refused.
            GuardFailedError: a rail failed, or the answer has what rails cannot judge.
        """
        asked, answers = conversation_of(messages), list[StreamedResponse]()

        async def source(judged: Sequence[Message]) -> AsyncIterator[Chunk]:
            history = put_back(asked, judged)
            async with self.wrapped.request_stream(
                history, model_settings, model_request_parameters, run_context
            ) as inner:
                answers.append(inner)
                reader = Reader()
                async for event in inner:
                    if (chunk := reader.read(event)) is not None:
                        yield chunk
                yield reader.end(inner)

        stream = self._guard.stream(asked.messages, source, **_facts(model_request_parameters))
        async with aclosing(self._guard.items(stream)) as released:
            response = _GuardedStream(model_request_parameters, self, answers, stream, released)
            await response.begin()
            yield response


class _GuardedStream(StreamedResponse):
    """What rails release of an answer, in parts of its own: text after a tool call is another part than text before."""

    def __init__(
        self,
        parameters: ModelRequestParameters,
        model: GuardedModel,
        answers: list[StreamedResponse],
        stream: GuardedStream,
        released: AsyncGenerator[list[str | Event], None],
    ) -> None:
        super().__init__(parameters)
        self._model = model
        self._answers = answers
        self._stream = stream
        self._released = released
        self._first: list[str | Event] = []
        self._part = (-1, "")
        self._kept: Sequence[ModelResponsePart] | None = None  # of a whole answer, with signatures
        self._opened = datetime.now(tz=UTC)

    async def begin(self) -> None:
        """Wait for the first thing released, so that a model that cannot be asked fails as it would unguarded."""
        self._first = await anext(self._released, [])
        self._raise_if_refused(self._first)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for event in self._events(self._first):
            yield event
        async for items in self._released:
            for event in self._events(items):
                yield event
            self._raise_if_refused(items)
        if self._answers:
            inner = self._answers[-1]
            self._usage, self.finish_reason, self.state = inner.usage, inner.finish_reason, inner.state
            self.provider_response_id, self.canonical_system = plain(inner.provider_response_id), inner.canonical_system
            self._kept = parts_of(self._stream.response, inner.get(), without_reasoning=self._model.without_reasoning)

    def get(self) -> ModelResponse:
        """Return the answer, for the history; with what the model wants back of it once it is whole."""
        response = super().get()
        return response if self._kept is None else replace(response, parts=self._kept)

    def _events(self, items: Sequence[str | Event]) -> list[ModelResponseStreamEvent]:
        events: list[ModelResponseStreamEvent] = []
        manager = self._parts_manager
        for item in items:
            if isinstance(item, str):
                events += manager.handle_text_delta(vendor_part_id=self._part_of("text"), content=item)
            elif isinstance(item, ReasoningDelta):
                events += manager.handle_thinking_delta(vendor_part_id=self._part_of("thinking"), content=item.text)
            elif isinstance(item, ToolCallDelta):
                events += manager.handle_tool_call_delta_events(
                    vendor_part_id=self._part_of(f"call {item.index}"),
                    tool_name=item.name,
                    args=item.arguments or None,
                    tool_call_id=item.id,
                )
        return events

    def _part_of(self, kind: str) -> str:
        if kind.startswith("call"):
            self._part = (self._part[0], kind)
            return kind
        if self._part[1] != kind:
            self._part = (self._part[0] + 1, kind)
        return f"{kind} {self._part[0]}"

    def _raise_if_refused(self, items: Sequence[str | Event]) -> None:
        if items and isinstance(items[-1], Blocked):
            raise RefusedError(items[-1])

    async def close_stream(self) -> None:
        """Stop the model and every check."""
        await self._stream.aclose()

    @property
    def model_name(self) -> str:
        """The model's name, as its answer has it."""
        return str(plain(self._answers[-1].model_name)) if self._answers else self._model.model_name

    @property
    def provider_name(self) -> str | None:
        """The provider's name."""
        return self._answers[-1].provider_name if self._answers else None

    @property
    def provider_url(self) -> str | None:
        """The provider's address."""
        return self._answers[-1].provider_url if self._answers else None

    @property
    def timestamp(self) -> datetime:
        """When the answer began."""
        return self._answers[-1].timestamp if self._answers else self._opened


def _facts(parameters: ModelRequestParameters) -> dict[str, Any]:
    """Return what rails are told of a request beside its conversation."""
    tools = [
        {"type": "function", "function": {"name": tool.name, "parameters": tool.parameters_json_schema}}
        for tool in (*parameters.function_tools, *parameters.output_tools)
    ]
    is_json = parameters.output_mode in ("native", "prompted")
    return {"tools": tools, "response_format": {"type": "json_object"} if is_json else None}
