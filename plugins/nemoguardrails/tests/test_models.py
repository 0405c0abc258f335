"""Models that a program hands over: those that only answer whole, and those that raise."""

from __future__ import annotations

import json

import pytest
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.exceptions import LLMCallException
from nemoguardrails.types import ChatMessage, LLMResponse, Role, ToolCall, ToolCallFunction

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def config():
    return RailsConfig.from_content(config={"models": []})


class Whole:
    """Answers as a whole, and cannot stream."""

    model_name = "whole"

    def __init__(self, error=None):
        self.error = error

    async def generate_async(self, prompt, *, stop=None, **params):
        if self.error is not None:
            raise self.error
        return LLMResponse("In one piece.")


class Unfinished(Whole):
    async def stream_async(self, prompt, *, stop=None, **params):
        raise NotImplementedError
        yield


@pytest.mark.parametrize("model", [Whole, Unfinished])
async def test_a_model_that_cannot_stream_is_asked_for_the_whole_answer(config, model):
    assert await LLMRails(config, model()).generate_async("Hi") == "In one piece."


async def test_the_answer_of_one_without_a_stream_is_streamed_in_one_piece(config):
    assert [text async for text in LLMRails(config, Whole()).stream_async("Hi")] == ["In one piece."]


async def test_what_a_model_raises_is_caught_as_a_failed_call_to_a_model(config):
    with pytest.raises(LLMCallException, match="ZeroDivisionError: by nought") as raised:
        await LLMRails(config, Whole(ZeroDivisionError("by nought"))).generate_async("Hi")
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


async def test_nothing_of_it_reaches_the_readers_of_a_stream(config):
    (error,) = [text async for text in LLMRails(config, Whole(ZeroDivisionError("at 10.0.0.7"))).stream_async("Hi")]
    assert "10.0.0.7" not in error
    assert json.loads(error)["error"]["type"] == "generation_error"


CALL = {"id": "1", "type": "function", "function": {"name": "look", "arguments": {"at": "moon"}}}


@pytest.mark.parametrize(
    "call",
    [
        CALL,
        {"id": "1", "name": "look", "args": {"at": "moon"}},
        {"id": "1", "function": {"name": "look", "arguments": '{"at": "moon"}'}},
    ],
)
def test_a_message_is_read_and_written_with_its_tool_calls(call):
    message = ChatMessage.from_dict({"role": "assistant", "content": None, "tool_calls": [call], "seed": 5})
    assert message.tool_calls == [ToolCall("1", function=ToolCallFunction("look", {"at": "moon"}))]
    assert message.to_dict() == {"role": "assistant", "tool_calls": [CALL], "provider_metadata": {"seed": 5}}


@pytest.mark.parametrize("arguments", ["{", "[]", 3])
def test_arguments_that_are_no_object_are_refused(arguments):
    call = {"id": "1", "function": {"name": "look", "arguments": arguments}}
    with pytest.raises(ValueError, match="arguments"):
        ChatMessage.from_dict({"role": "assistant", "tool_calls": [call]})


def test_a_message_is_made_for_each_role():
    made = (
        ChatMessage.from_system("Be brief."),
        ChatMessage.from_user("Hi"),
        ChatMessage.from_assistant("Hello"),
        ChatMessage.from_tool("wet", "1"),
    )
    assert [message.role for message in made] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL]
    assert made[3].to_dict() == {"role": "tool", "content": "wet", "tool_call_id": "1"}
    assert [ChatMessage.from_dict({"role": role, "content": "x"}).role for role in ("bot", "human", "developer")] == [
        Role.ASSISTANT,
        Role.USER,
        Role.SYSTEM,
    ]
    with pytest.raises(ValueError, match="unknown role 'king'"):
        ChatMessage.from_dict({"role": "king", "content": "x"})


async def test_arguments_of_tool_calls_come_back_as_objects_and_may_go_in_again(config):
    class Calls(Whole):
        async def generate_async(self, prompt, *, stop=None, **params):
            self.prompt = prompt
            return LLMResponse("", tool_calls=[ToolCall("1", function=ToolCallFunction("look", {"at": "moon"}))])

    model = Calls()
    rails = LLMRails(config, model)
    message = await rails.generate_async(messages=HELLO)
    assert message["tool_calls"] == [CALL]
    result = {"role": "tool", "tool_call_id": "1", "content": "wet"}
    assert (await rails.generate_async(messages=[*HELLO, message, result], options={"log": {}})).tool_calls == [CALL]
    assert model.prompt[1].tool_calls[0].function.arguments == {"at": "moon"}
