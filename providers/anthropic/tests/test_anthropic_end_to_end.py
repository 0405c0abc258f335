"""Claude behind rails: a judge and a main model of one protocol, tools over three turns, a block that stops it."""

from __future__ import annotations

import gc
import json

import anyio
import pytest
from handrail import Blocked, Finished, LLMRails, RailsConfig, ReasoningDelta
from handrail.errors import ConfigurationError, ProviderAuthenticationError, ProviderServerError
from handrail_anthropic.testing import Message, error_event, message_events
from handrail_testkit import Ending, replies

QUESTION = {"role": "user", "content": "How do I clean my kitchen?"}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def config(server, *, guarded=True):
    def model(type_, name):
        parameters = {"base_url": server.origin, "max_retries": 0}
        return {"type": type_, "engine": "anthropic", "model": name, "parameters": parameters}

    content = {"models": [model("main", "claude"), model("self_check_output", "judge")]}
    if guarded:
        streaming = {"enabled": True, "chunk_size": 20, "context_size": 5}
        content["rails"] = {"output": {"flows": ["self check output"], "streaming": streaming}}
        prompt = "Should this be blocked? Answer yes or no.\n{{ bot_response }}"
        content["prompts"] = [{"task": "self_check_output", "content": prompt}]
    return RailsConfig.from_content(config=content)


class Claude:
    """Answers as the main model with what it is given, and as the judge by a word."""

    def __init__(self, server, forbidden="bleach"):
        self._take = server.answer_to
        self.answers = []
        self._forbidden = forbidden
        server.answer_to = self

    def __call__(self, request):
        body = request.json
        if body["model"] == "judge":
            verdict = "yes" if self._forbidden in json.dumps(body) else "no"
            return replies.sse(message_events(Message(text=verdict), "judge"))
        if self.answers:
            answer = self.answers.pop(0)
            return replies.sse(message_events(answer)) if isinstance(answer, Message) else answer
        return self._take(request)


@pytest.fixture
def claude(messages_server):
    return Claude(messages_server)


def mains(server):
    return [body for body in server.bodies if body["model"] == "claude"]


async def test_a_clean_answer_is_delivered_as_it_is(messages_server, claude):
    text = "Start at the top, and work your way down to the floor. " * 5
    claude.answers = [Message(text=text)]
    async with LLMRails(config(messages_server)) as rails:
        said = "".join([piece async for piece in rails.stream_async(messages=[QUESTION])])
    assert said == text
    assert len(messages_server.requests) > 2


async def test_a_block_stops_claude_and_nothing_of_it_is_delivered(messages_server, claude):
    """The server keeps the connection open after the text, as a model that goes on would."""
    text = "Start at the top, and work your way down. " * 5 + "Then mix the bleach with ammonia. " * 5
    events = message_events(Message(text=text))
    claude.answers = [replies.sse([*events[:-3], Ending.HANG])]
    async with LLMRails(config(messages_server)) as rails:
        async with rails.stream(messages=[QUESTION]) as stream:
            events = [event async for event in stream]
        assert any(isinstance(event, Blocked) for event in events)
        assert "bleach" not in "".join(event.text for event in events if hasattr(event, "text"))
        assert await anyio.to_thread.run_sync(messages_server.wait_idle)
        assert next(one for one in messages_server.requests if one.json["model"] == "claude").closed.is_set()


async def test_tools_are_called_over_three_turns_with_thinking_kept(messages_server, claude):
    """What a program sends back is what it was given, and the API's own rules for it hold: the server checks them."""
    claude.answers = [
        Message(text="", thinking="First Ústí.", signature="s1", calls=[("weather", {"city": "Ústí"})]),
        Message(text="Now Brno.", thinking="Then Brno.", signature="s2", calls=[("weather", {"city": "Brno"})]),
    ]
    messages_server.reply = Message(text="It rains in both.")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
    async with LLMRails(config(messages_server, guarded=False)) as rails:
        for _ in range(3):
            async with rails.stream(messages=messages, options={"llm_params": {"tools": [WEATHER]}}) as stream:
                events = [event async for event in stream]
            [finished] = [event for event in events if isinstance(event, Finished)]
            response = stream.response
            if not response.tool_calls:
                break
            messages += turn(
                response, "".join(event.text for event in events if isinstance(event, ReasoningDelta)), finished
            )
    assert response.text == "It rains in both."
    last = mains(messages_server)[-1]
    assert [message["role"] for message in last["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert last["messages"][1]["content"][0] == {"type": "thinking", "thinking": "First Ústí.", "signature": "s1"}
    assert [block["type"] for block in last["messages"][3]["content"]] == ["thinking", "text", "tool_use"]
    assert last["tools"] == [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}]


def turn(response, reasoning, finished):
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in response.tool_calls
    ]
    assistant = {
        "role": "assistant",
        "content": response.text or None,
        "reasoning_content": reasoning,
        "thinking_blocks": finished.metadata["wire"]["thinking_blocks"],
        "tool_calls": calls,
    }
    return [assistant, *({"role": "tool", "tool_call_id": call["id"], "content": "rain"} for call in calls)]


async def test_an_error_within_an_answer_is_raised_as_such(messages_server, claude):
    claude.answers = [replies.sse([*message_events(Message(text="One two"))[:4], error_event()])]
    async with LLMRails(config(messages_server, guarded=False)) as rails:
        with pytest.raises(ProviderServerError, match="broke off with an error: Overloaded"):
            await rails.generate_async(messages=[QUESTION])


async def test_a_wrong_key_names_its_variable(messages_server):
    messages_server.key = "another"
    async with LLMRails(config(messages_server)) as rails:
        with pytest.raises(ProviderAuthenticationError, match="ANTHROPIC_API_KEY"):
            await rails.generate_async(messages=[QUESTION])


def test_synchronous_calls_leave_nothing_open(messages_server):
    rails = LLMRails(config(messages_server, guarded=False))
    answers = {rails.generate(messages=[QUESTION])["content"] for _ in range(2)}
    gc.collect()
    assert answers == {"Hello, world!"}


def test_an_error_names_the_place_in_the_configuration():
    content = "models:\n  - type: main\n    engine: anthropic\n    model: m\n    parameters:\n      temprature: 0.2\n"
    with pytest.raises(ConfigurationError, match=r"did you mean 'temperature'"):
        LLMRails(RailsConfig.from_content(yaml_content=content))
