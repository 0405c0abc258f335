"""What applications test themselves with: a model that answers as told, and a conversation turn by turn."""

from __future__ import annotations

import pytest
from nemoguardrails import RailsConfig
from nemoguardrails.testing import FakeLLMModel, TestChat
from nemoguardrails.types import LLMResponse, ToolCall, UsageInfo

COST = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.fixture
def config():
    return RailsConfig.from_content(config={"models": []})


async def test_a_fake_model_counts_its_answers_and_says_what_they_cost():
    model = FakeLLMModel(["one", "two"], token_usage=[COST], should_return_token_usage=True)
    assert (await model.generate_async("?")).usage == UsageInfo(3, 2, 5)
    assert (await model.generate_async("?")).usage is None
    assert (model.inference_count, model.responses) == (2, ["one", "two"])
    with pytest.raises(RuntimeError, match="all 2 have been used"):
        await model.generate_async("?")


async def test_a_fake_model_streams_words_with_the_blank_after_them():
    chunks = [chunk async for chunk in FakeLLMModel(["a b c"]).stream_async("?")]
    assert [chunk.delta_content for chunk in chunks] == ["a ", "b ", "c"]


async def test_a_fake_model_raises_what_it_is_told_to():
    with pytest.raises(ZeroDivisionError):
        await FakeLLMModel(llm_exception=ZeroDivisionError()).generate_async("?")


async def test_tool_calls_come_with_the_last_word():
    model = FakeLLMModel(llm_responses=[LLMResponse("a b", tool_calls=[ToolCall("1")])])
    chunks = [chunk async for chunk in model.stream_async("?")]
    assert [chunk.delta_tool_calls for chunk in chunks] == [None, [ToolCall("1")]]


def test_a_conversation_is_held_turn_by_turn(config):
    chat = TestChat(config, ["Hello!", "Bye."])
    chat >> "Hi"
    chat << "Hello!"
    chat.user("See you")
    chat.bot("Bye.")
    assert [message["content"] for message in chat.history] == ["Hi", "Hello!", "See you", "Bye."]


async def test_a_conversation_is_held_in_asynchronous_code_too(config):
    chat = TestChat(config, llm=FakeLLMModel(["Hello!"]))
    chat >> "Hi"
    await chat.bot_async("Hello!")


def test_another_answer_than_the_expected_one_fails_the_test(config):
    chat = TestChat(config, ["Hello!"])
    chat >> "Hi"
    with pytest.raises(AssertionError, match="Expected `Bye` and received `Hello!`"):
        chat << "Bye"


def test_the_model_of_a_conversation_fails_as_told(config):
    chat = TestChat(config, llm_exception=ZeroDivisionError("by nought"))
    chat >> "Hi"
    with pytest.raises(Exception, match="by nought"):
        chat << "Hello!"
