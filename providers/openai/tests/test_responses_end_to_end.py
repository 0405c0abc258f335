"""Rails over a model that is asked by Responses: nothing refused comes out, and the model is stopped."""

from __future__ import annotations

import anyio
import pytest
from handrail import LLMRails, RailsConfig, Registry, ToolCall, Verdict
from handrail.plugins import RailSpec, hookimpl
from handrail_openai.testing import ModelResponse, response_events
from handrail_testkit import Ending, replies

HELLO = [{"role": "user", "content": "Hello"}]


class NoSecret:
    """A window rail that refuses one word."""

    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return Verdict.block("secret") if "secret" in window.text else Verdict.allow()


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec(name="no secret", target=NoSecret, directions=("output",), summary="Refuses one word.")


@pytest.fixture
def rails(responses_server):
    parameters = {"base_url": responses_server.base_url, "api": "responses"}
    channels = {"channels": ["text", "reasoning", "tool_calls"]}
    config = {
        "models": [{"type": "main", "engine": "openai", "model": "test-model", "parameters": parameters}],
        "rails": {
            "output": {"flows": ["no secret"], "streaming": {"enabled": True, "chunk_size": 20, "context_size": 5}},
            "config": {"no secret": channels},
        },
    }
    registry = Registry.discover().with_plugins(Plugin())
    return LLMRails(RailsConfig.from_content(config=config), registry=registry)


async def test_what_a_rail_lets_through_comes_out_as_the_model_sent_it(responses_server, rails):
    call = ToolCall("call_1", "pay", '{"to": "Ada"}')
    responses_server.will(ModelResponse(text="All is well.", summaries=("A plan.",), calls=(call,)))
    async with rails:
        async with rails.stream(messages=HELLO) as stream:
            shown = [event async for event in stream]
        response = stream.response
    assert shown
    assert response.text == "All is well."
    assert response.reasoning_content == "A plan."
    assert response.tool_calls == (call,)


@pytest.mark.parametrize(
    "answer",
    [
        ModelResponse(text="It is a secret, of course. " + "More words follow here. " * 20),
        ModelResponse(text="", refusal="That is a secret, and I keep it."),
        ModelResponse(text="Fine.", summaries=("It is a secret.",)),
        ModelResponse(text="", calls=(ToolCall("call_1", "tell", '{"what": "a secret"}'),)),
        ModelResponse(text="", calls=(ToolCall("call_1", "shell", "echo secret", "custom"),)),
    ],
)
async def test_nothing_that_a_rail_refuses_comes_out_and_the_connection_is_closed(responses_server, rails, answer):
    *events, _end = response_events(answer)
    responses_server.will(replies.sse([*events, Ending.HANG]) if answer.text.startswith("It is") else answer)
    async with rails:
        async with rails.stream(messages=HELLO) as stream:
            shown = repr([event async for event in stream if type(event).__name__ != "Blocked"])
        assert stream.response.stop is not None
        assert "secret" not in shown
        assert await anyio.to_thread.run_sync(responses_server.wait_idle)
