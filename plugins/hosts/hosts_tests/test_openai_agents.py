"""Runs of OpenAI Agents with a guarded model do what every guarded host must."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from agents import (
    Agent,
    InputGuardrailTripwireTriggered,
    Model,
    ModelBehaviorError,
    ModelResponse,
    ModelRetrySettings,
    ModelSettings,
    RunConfig,
    Runner,
    ToolOutputFileContent,
    function_tool,
)
from agents.usage import Usage as AgentsUsage
from asgi_host import ResponsesWriter
from handrail import Blocked, Chunk, ToolCallDelta, Usage
from handrail_hosts import GuardFailedError
from handrail_hosts.openai_agents import (
    GuardedModel,
    RefusedError,
    input_guardrail,
    tool_input_guardrail,
    tool_output_guardrail,
)
from handrail_testkit import HostAnswer, HostCase, HostConformance, HostModel, ModelFailure, host_rails
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

FORBIDDEN = "forbidden fruit"
EVENTS = TypeAdapter(ResponseStreamEvent)


@function_tool(strict_mode=False)
def look_up(query: str, n: int | list[int] = 0, deep: dict | None = None) -> str:
    """Look something up."""
    return f"nothing about {query}"


class FakeModel(Model):
    """Says what a `HostModel` says, in events as OpenAI's server sends them."""

    def __init__(self, said):
        self.said = said

    async def stream_response(self, *args, **further):
        stream = self.said.stream()
        writer = ResponsesWriter()
        try:
            async for chunk in stream:
                for value in writer.events(chunk):
                    yield EVENTS.validate_python(value)
        finally:
            await stream.aclose()

    async def get_response(self, *args, **further):
        events = [event async for event in self.stream_response(*args, **further)]
        event = events[-1]
        usage = event.response.usage
        return ModelResponse(
            output=event.response.output,
            usage=AgentsUsage(requests=1, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens),
            response_id=event.response.id,
        )


class Seen:
    """What a reader saw."""

    def __init__(self):
        self.text = self.arguments = self.reasoning = ""
        self.tool = self.usage = self.finish = self.id = None

    def take(self, event):
        kind = event.type
        if kind == "response.output_text.delta":
            self.text += event.delta
        elif kind == "response.reasoning_summary_text.delta":
            self.reasoning += event.delta
        elif kind == "response.function_call_arguments.delta":
            self.arguments += event.delta
        elif kind == "response.output_item.added" and event.item.type == "function_call":
            self.tool = (event.item.name, event.item.call_id)
        elif kind in ("response.completed", "response.incomplete"):
            self.finish = {"response.completed": "stop"}.get(kind, "length")
            usage, self.id = event.response.usage, event.response.id
            self.usage = Usage(usage.input_tokens, usage.output_tokens)

    def whole(self, result):
        (response,) = result.raw_responses
        for item in response.output:
            if item.type == "message":
                self.text += item.content[0].text
            elif item.type == "function_call":
                self.tool, self.arguments = (item.name, item.call_id), item.arguments
        self.usage = Usage(response.usage.input_tokens, response.usage.output_tokens)

    def answer(self, ended, *, shown="", kept=None):
        return HostAnswer(
            ended=ended,
            text=self.text,
            tool=self.tool,
            arguments=self.arguments,
            reasoning=self.reasoning,
            usage=self.usage,
            finish=self.finish,
            id=self.id,
            shown=shown,
            kept=kept,
        )


class OpenAIAgents(HostCase):
    """Runs an agent, whose settings ask for a second attempt where one may be needed."""

    async def ask(self, request):
        retry = ModelRetrySettings(max_retries=1, policy=lambda context: True, backoff={"initial_delay": 0})
        settings = ModelSettings(retry=retry) if request.model.failures else ModelSettings()
        agent = Agent(
            name="helper",
            model=GuardedModel(FakeModel(request.model), host_rails(request.rails)),
            tools=[look_up],
            model_settings=settings,
            tool_use_behavior="stop_on_first_tool",
        )
        seen, config = Seen(), RunConfig(tracing_disabled=True)
        try:
            if not request.streams:
                seen.whole(await Runner.run(agent, request.message, run_config=config))
                return seen.answer("complete")
            result = Runner.run_streamed(agent, request.message, run_config=config)
            try:
                async for event in result.stream_events():
                    if event.type == "raw_response_event":
                        seen.take(event.data)
                    if request.leaves and seen.text:
                        return seen.answer("left")
            finally:
                result.cancel()
            if seen.tool:
                return seen.answer("complete")
            return seen.answer("complete", kept=result.to_input_list()[-1]["content"][0]["text"])
        except RefusedError as refused:
            return seen.answer("refused", shown=str(refused))
        except ModelBehaviorError as cut:  # as the SDK tells an answer that was cut off
            seen.finish = "length" if "max_output_tokens" in str(cut) else None
            return seen.answer("failed", shown=repr(cut))
        except (GuardFailedError, ModelFailure) as failed:
            return seen.answer("failed", shown=repr(failed))


class TestOpenAIAgents(HostConformance):
    @pytest.fixture
    def case(self):
        return OpenAIAgents()


def agent_with(model, **fields):
    return Agent(name="helper", model=model, tool_use_behavior="stop_on_first_tool", **fields)


CALL = HostModel([Chunk(tool_calls=(ToolCallDelta(0, "call_1", "look_up", f'{{"query": "{FORBIDDEN}"}}'),)),
                  Chunk(finish_reason="tool_calls", usage=Usage(1, 1))])  # fmt: skip


async def test_a_tripwire_of_an_input_carries_the_record(anyio_backend):
    said = HostModel([Chunk("Hello"), Chunk(finish_reason="stop", usage=Usage(1, 1))])
    agent = agent_with(FakeModel(said), input_guardrails=[input_guardrail(host_rails("input"))])
    with pytest.raises(InputGuardrailTripwireTriggered) as tripped:
        await Runner.run(agent, f"Tell me of {FORBIDDEN}", run_config=RunConfig(tracing_disabled=True))
    record = tripped.value.guardrail_result.output.output_info
    assert isinstance(record, Blocked)
    assert (record.rail, record.direction, said.requests) == ("suite phrases", "input", 0)


@pytest.mark.parametrize(
    ("make", "rails", "place"),
    [
        (tool_input_guardrail, "windows", "tool_input_guardrails"),
        (tool_output_guardrail, "input", "tool_output_guardrails"),
    ],
)
async def test_a_tool_is_guarded_and_the_model_told(make, rails, place, anyio_backend):
    import dataclasses

    guarded = dataclasses.replace(look_up, **{place: [make(host_rails(rails))]})
    agent = agent_with(FakeModel(CALL), tools=[guarded])
    result = await Runner.run(agent, "Hello", run_config=RunConfig(tracing_disabled=True))
    assert "refused" in result.final_output
    assert FORBIDDEN not in result.final_output


@pytest.mark.parametrize("output", [{"a": "swordfish"}, ToolOutputFileContent(file_data="data:,forbidden%20fruit")])
async def test_a_file_that_a_tool_returns_is_judged_by_what_it_says(output, anyio_backend):
    context = SimpleNamespace(tool_call_id="c", tool_name="look_up")
    data = SimpleNamespace(context=context, output=output)
    rejected = isinstance(output, ToolOutputFileContent)
    judged = await tool_output_guardrail(host_rails("input")).guardrail_function(data)
    assert (judged.behavior["type"] == "reject_content") is rejected


async def test_a_call_whose_arguments_a_rail_would_rewrite_is_not_made(anyio_backend):
    import dataclasses

    made = []
    secret = ToolCallDelta(0, "call_1", "look_up", '{"query": "swordfish"}')
    said = HostModel([Chunk(tool_calls=(secret,)), Chunk(finish_reason="tool_calls", usage=Usage(1, 1))])

    @function_tool(name_override="look_up", strict_mode=False)
    def noted(query: str) -> str:
        """Look something up."""
        made.append(query)
        return "found"

    guarded = dataclasses.replace(noted, tool_input_guardrails=[tool_input_guardrail(host_rails("masking"))])
    agent = agent_with(FakeModel(said), tools=[guarded])
    result = await Runner.run(agent, "Hello", run_config=RunConfig(tracing_disabled=True))
    assert (made, "swordfish" in result.final_output) == ([], False)


class OlderServer(FakeModel):
    """Says nothing of what the newest servers say, so that the SDK has None where its types want a number."""

    async def stream_response(self, *args, **further):
        async for event in super().stream_response(*args, **further):
            value = event.model_dump()
            if (value.get("response") or {}).get("usage"):
                value["response"]["usage"]["input_tokens_details"] = {"cached_tokens": 1}
            if value["type"] == "response.output_item.done":
                value["item"]["phase"] = "one of tomorrow"
            yield type(event).construct(**value)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_odd_value_in_a_field_that_nobody_reads_ends_nothing(stream, anyio_backend):
    said = HostModel([Chunk("Hello"), Chunk(finish_reason="stop", usage=Usage(1, 1))])
    agent = agent_with(GuardedModel(OlderServer(said), host_rails("windows")))
    quiet = RunConfig(tracing_disabled=True)
    if stream:
        result = Runner.run_streamed(agent, "Hello", run_config=quiet)
        assert [event async for event in result.stream_events()]
    else:
        result = await Runner.run(agent, "Hello", run_config=quiet)
    assert result.final_output == "Hello"
    assert result.context_wrapper.usage.input_tokens == 1
