"""Agents of pydantic-ai with a guarded model do what every guarded host must."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from handrail import LLMRails, RailsConfig, Usage
from handrail_hosts import GuardFailedError
from handrail_hosts.pydantic_ai import GuardedModel, RefusedError
from handrail_testkit import HostAnswer, HostCase, HostConformance, ModelFailure, host_rails
from pydantic_ai import Agent
from pydantic_ai.direct import model_request_batch
from pydantic_ai.exceptions import ModelAPIError, UserError
from pydantic_ai.messages import (
    BinaryContent,
    DocumentUrl,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SpeechPart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UploadedFile,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.batch import BatchRequest
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.tools import DeferredToolRequests, ToolDefinition
from pydantic_ai.toolsets import ExternalToolset
from pydantic_ai.usage import RequestUsage


class FakeModel(Model):
    """Says what a `HostModel` says."""

    model_name, system = "fake", "fake"

    def __init__(self, said) -> None:
        super().__init__()
        self.said = said

    async def request(self, messages, settings, parameters):
        stream = FakeStream(parameters, self.said.stream())
        async for _ in stream:
            pass
        return stream.get()

    @asynccontextmanager
    async def request_stream(self, messages, settings, parameters, run_context=None):
        chunks = self.said.stream()
        try:
            if self.said.requests < self.said.failures:
                try:
                    await anext(chunks)
                except ModelFailure as error:
                    raise ModelAPIError("fake", str(error)) from error
            yield FakeStream(parameters, chunks)
        finally:
            await chunks.aclose()


class FakeStream(StreamedResponse):
    model_name, provider_name, provider_url = "fake", "fake", None
    timestamp = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self, parameters, chunks) -> None:
        super().__init__(parameters)
        self.chunks = chunks

    async def _get_event_iterator(self):
        async for chunk in self.chunks:
            self.provider_response_id = (chunk.metadata or {}).get("id") or self.provider_response_id
            if chunk.text:
                for event in self._parts_manager.handle_text_delta(vendor_part_id="t", content=chunk.text):
                    yield event
            if chunk.reasoning:
                for event in self._parts_manager.handle_thinking_delta(vendor_part_id="r", content=chunk.reasoning):
                    yield event
            for call in chunk.tool_calls:
                for event in self._parts_manager.handle_tool_call_delta_events(
                    vendor_part_id=call.index,
                    tool_name=call.name,
                    args=call.arguments or None,
                    tool_call_id=call.id,
                ):
                    yield event
            if chunk.finish_reason:
                self.finish_reason = {"tool_calls": "tool_call"}.get(chunk.finish_reason, chunk.finish_reason)
            if chunk.usage:
                self._usage = RequestUsage(
                    input_tokens=chunk.usage.input_tokens, output_tokens=chunk.usage.output_tokens
                )


class PydanticAI(HostCase):
    """Asks an agent, streamed by its events; a fallback model is its second attempt."""

    async def ask(self, request):
        rails = host_rails(request.rails)
        models = [GuardedModel(FakeModel(request.model), rails) for _ in range(2)]
        tools = ExternalToolset([ToolDefinition(name="look_up")])
        model = FallbackModel(*models) if request.model.failures else models[0]
        agent = Agent(model, output_type=[str, DeferredToolRequests], toolsets=[tools], retries=0)
        seen = Seen()
        try:
            if not request.streams:
                result = await agent.run(request.message)
                return seen.answer("complete", result.all_messages()[-1])
            async with agent.iter(request.message) as run:
                async for node in run:
                    if not Agent.is_model_request_node(node):
                        continue
                    async with node.stream(run.ctx) as stream:
                        async for event in stream:
                            seen.take(event)
                            if request.leaves and seen.text:
                                return seen.answer("left", None)
            return seen.answer("complete", run.result.all_messages()[-1])
        except RefusedError as refused:
            return seen.answer("refused", None, shown=str(refused))
        except (GuardFailedError, ModelFailure, ModelAPIError, ExceptionGroup) as failed:
            return seen.answer("failed", None, shown=repr(failed))


class Seen:
    """What a reader saw."""

    def __init__(self) -> None:
        self.text = self.reasoning = self.arguments = ""
        self.tool = None

    def take(self, event) -> None:
        if isinstance(event, PartStartEvent):
            self.start(event.part)
        elif isinstance(event, PartDeltaEvent):
            delta = event.delta
            self.text += getattr(delta, "content_delta", "") if delta.part_delta_kind == "text" else ""
            self.reasoning += getattr(delta, "content_delta", "") if delta.part_delta_kind == "thinking" else ""
            self.arguments += getattr(delta, "args_delta", "") or ""

    def start(self, part) -> None:
        if isinstance(part, TextPart):
            self.text += part.content
        elif isinstance(part, ThinkingPart):
            self.reasoning += part.content
        elif isinstance(part, ToolCallPart):
            self.tool = (part.tool_name, part.tool_call_id)
            self.arguments += part.args or ""

    def answer(self, ended, kept, shown=""):
        kept = kept if isinstance(kept, ModelResponse) else None
        if kept is not None and not (self.text or self.tool):
            for part in kept.parts:
                self.start(part)
        usage = kept and Usage(kept.usage.input_tokens, kept.usage.output_tokens)
        return HostAnswer(
            ended=ended,
            text=self.text,
            tool=self.tool,
            arguments=self.arguments,
            reasoning=self.reasoning,
            usage=usage,
            finish=kept and kept.finish_reason,
            id=kept and kept.provider_response_id,
            shown=shown,
            kept=kept and kept.text,
        )


class TestPydanticAI(HostConformance):
    @pytest.fixture
    def case(self):
        return PydanticAI()


FORBIDDEN = "forbidden fruit"


async def asked_through(*messages):
    """Ask a guarded model; return the messages that reached it."""
    reached = []

    def answer(messages, info):
        reached.extend(messages)
        return ModelResponse([TextPart("Well.")])

    model = GuardedModel(FunctionModel(answer), host_rails("input"))
    await model.request(list(messages), None, ModelRequestParameters())
    return reached


@pytest.mark.parametrize(
    "part",
    [
        UserPromptPart(["Hello", FORBIDDEN]),
        UserPromptPart([BinaryContent(FORBIDDEN.encode(), media_type="text/plain")]),
        SpeechPart(speaker="user", transcript=FORBIDDEN),
        UserPromptPart([DocumentUrl(f"data:text/plain,{FORBIDDEN}")]),
        UserPromptPart([ImageUrl("http://x", vendor_metadata={"detail": FORBIDDEN})]),
        UserPromptPart([BinaryContent(b"\x89PNG\r\n\x1a\n", media_type="image/png", identifier=FORBIDDEN)]),
        UserPromptPart([UploadedFile(FORBIDDEN, provider_name="openai")]),
        ToolReturnPart(FORBIDDEN, "found", tool_call_id="c"),
        ToolReturnPart("look_up", "found", tool_call_id=FORBIDDEN),
        ToolReturnPart("look_up", ["found", BinaryContent(FORBIDDEN.encode(), media_type="text/plain")]),
    ],
)
async def test_whatever_says_something_to_the_model_is_judged(part):
    with pytest.raises(RefusedError):
        await asked_through(ModelRequest([part]))


async def test_a_question_that_was_refused_before_is_taken_out_of_the_history():
    asked = ModelRequest([SystemPromptPart("Be kind."), UserPromptPart([FORBIDDEN, "and more"])])
    reached = await asked_through(asked, ModelResponse([TextPart("No.")]), ModelRequest([UserPromptPart("Well?")]))
    assert FORBIDDEN not in repr(reached)
    assert [message.kind for message in reached] == ["request", "response", "request"]
    assert reached[0].parts[0] is asked.parts[0]


async def answered(part, **fields):
    """Ask a guarded model that says one part; return its answer."""
    said = ModelResponse([part], **fields)
    model = GuardedModel(FunctionModel(lambda messages, info: said), host_rails("windows"))
    return await model.request([ModelRequest([UserPromptPart("Hello")])], None, ModelRequestParameters())


@pytest.mark.parametrize(
    "part",
    [
        TextPart("Well.", id=FORBIDDEN, provider_name=FORBIDDEN, provider_details={"note": FORBIDDEN}),
        ToolCallPart("look_up", {}, FORBIDDEN, id=FORBIDDEN, provider_details={"note": FORBIDDEN, FORBIDDEN: 1}),
    ],
)
async def test_what_an_answer_says_where_no_rail_looks_is_left_out(part):
    answer = await answered(part, provider_response_id=FORBIDDEN, provider_url=FORBIDDEN)
    assert answer.parts[0].part_kind == part.part_kind
    assert FORBIDDEN not in repr(answer)


class Signing(Model):
    """Thinks twice, and signs what it has thought and whom it calls; takes no history without its signatures."""

    model_name, system = "signing", "signing"

    def __init__(self, text="Well."):
        super().__init__()
        self.text = text

    async def request(self, messages, settings, parameters):
        stream = SigningStream(parameters, self.text)
        async for _ in stream:
            pass
        return stream.get()

    @asynccontextmanager
    async def request_stream(self, messages, settings, parameters, run_context=None):
        yield SigningStream(parameters, self.text)


class SigningStream(StreamedResponse):
    model_name, provider_name, provider_url = "signing", "signing", None
    timestamp = datetime(2026, 1, 1, tzinfo=UTC)
    thought = "Hm"

    def __init__(self, parameters, text):
        super().__init__(parameters)
        self.text = text

    async def _get_event_iterator(self):
        manager, by = self._parts_manager, {"provider_name": "signing"}
        for name in ("r1", "r2"):
            for fields in ({"content": f"{self.thought} {name}."}, {"signature": f"S{name}", **by}):
                for event in manager.handle_thinking_delta(vendor_part_id=name, **fields):
                    yield event
        for event in manager.handle_text_delta(vendor_part_id="t", content=self.text):
            yield event
        yield manager.handle_tool_call_part(
            vendor_part_id="c",
            tool_name="look_up",
            args={"q": [1, 2]},
            tool_call_id="c1",
            provider_details={"signature": "SC"},
        )
        self.finish_reason = "tool_call"


async def history_of(text, rails, *, streams):
    """Return the parts of an answer as an agent keeps them."""
    tools = ExternalToolset([ToolDefinition(name="look_up")])
    agent = Agent(GuardedModel(Signing(text), rails), output_type=[str, DeferredToolRequests], toolsets=[tools])
    async with agent.iter("Hello") as run:
        async for node in run:
            if streams and Agent.is_model_request_node(node):
                async with node.stream(run.ctx) as stream:
                    async for _ in stream:
                        pass
    return run.result.all_messages()[-1].parts


def masking(*channels):
    config = {"personal data check": {"action": "redact", "channels": [*channels]}}
    output = {"flows": ["personal data check"], "streaming": {"enabled": True}}
    return LLMRails(RailsConfig.from_content(config={"rails": {"output": output, "config": config}}))


EITHER = pytest.mark.parametrize("streams", [False, True])


@EITHER
async def test_signatures_of_an_answer_are_in_the_history(streams):
    rails = LLMRails(RailsConfig.from_content(config={"rails": {"output": {"deliver_unguarded": ["reasoning"]}}}))
    first, second, text, call = await history_of("Well.", rails, streams=streams)
    assert [(part.content, part.signature) for part in (first, second)] == [("Hm r1.", "Sr1"), ("Hm r2.", "Sr2")]
    assert (text.content, call.tool_call_id, call.provider_details) == ("Well.", "c1", {"signature": "SC"})


@EITHER
async def test_of_thinking_that_no_rail_reads_the_signatures_alone_are_in_the_history(streams):
    """Claude takes no second turn after a tool call without them."""
    first, second, text, call = await history_of("Well.", host_rails("windows"), streams=streams)
    assert [(part.content, part.signature) for part in (first, second)] == [("", "Sr1"), ("", "Sr2")]
    assert (text.content, call.provider_details) == ("Well.", {"signature": "SC"})


@EITHER
async def test_a_text_that_a_rail_has_changed_leaves_the_rest_signed(streams):
    parts = await history_of("Write to ada@example.org.", masking("text"), streams=streams)
    assert [part.part_kind for part in parts] == ["thinking", "thinking", "text", "tool-call"]
    assert (parts[0].signature, parts[3].provider_details) == ("Sr1", {"signature": "SC"})
    assert "ada@example.org" not in repr(parts)


@EITHER
async def test_thinking_that_a_rail_has_changed_is_told_beside_its_signature(streams, monkeypatch):
    monkeypatch.setattr(SigningStream, "thought", "Write to ada@example.org")
    parts = await history_of("Well.", masking("text", "reasoning"), streams=streams)
    assert [getattr(part, "signature", None) for part in parts] == ["Sr1", None, "Sr2", None, None]
    assert [part.content for part in parts[:1] + parts[2:4]] == ["", "", "Well."]
    assert parts[1].content.startswith("Write to [")
    assert "ada@example.org" not in repr(parts)


async def test_a_tool_that_is_called_by_a_text_is_not_called():
    with pytest.raises(GuardFailedError, match="no name"):
        await answered(ToolCallPart(FORBIDDEN, {}))


class Asked(FunctionModel):
    """Can do more than to be asked for an answer, and notes with what."""

    batch_max_requests = 10

    def __init__(self):
        super().__init__(lambda messages, info: ModelResponse([TextPart("Hi")]))
        self.asked = []

    async def count_tokens(self, messages, settings, parameters):
        self.asked.append(messages)
        return RequestUsage(input_tokens=1)

    async def _noted(self, asked, **_):
        self.asked.append(asked)
        return ModelResponse([TextPart(FORBIDDEN)])

    batch_encode = batch_create = batch_results = compact_messages = _noted

    def batch_decode(self, result, request):
        return ModelResponse([TextPart(FORBIDDEN)])


async def test_nothing_of_a_model_is_reached_past_the_rails():
    inner = Asked()
    model = GuardedModel(inner, host_rails("windows"))
    request = BatchRequest(custom_id="1", messages=[ModelRequest([UserPromptPart(FORBIDDEN)])])
    with pytest.raises(UserError):
        await model_request_batch(model, [request])
    for ask in (model.batch_encode, model.batch_create, model.batch_results, model.compact_messages):
        with pytest.raises(NotImplementedError):
            await ask(request)
    with pytest.raises(NotImplementedError):
        model.batch_decode(None, request)
    assert inner.asked == []


async def test_tokens_are_counted_of_what_the_rails_let_through():
    inner = Asked()
    model = GuardedModel(inner, host_rails("input"))
    parameters = ModelRequestParameters()
    assert (await model.count_tokens([ModelRequest([UserPromptPart("Hello")])], None, parameters)).input_tokens == 1
    with pytest.raises(RefusedError):
        await model.count_tokens([ModelRequest([UserPromptPart(FORBIDDEN)])], None, parameters)
    assert len(inner.asked) == 1
