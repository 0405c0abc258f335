"""Calls in the forms that existing code uses: rails alone, own generators, states, names of actions."""

from __future__ import annotations

import pytest
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions import action
from nemoguardrails.exceptions import InvalidStateError
from nemoguardrails.streaming import StreamingHandler
from nemoguardrails.testing import FakeLLMModel

SORRY = "I'm sorry, I can't respond to that."
COLANG = """
define subflow no fish
  if "fish" in $user_message
    bot refuse to respond
    stop

define subflow no soup
  if "soup" in $bot_message
    bot refuse to respond
    stop
"""


def say(text):
    return [{"role": "user", "content": text}]


@pytest.fixture
def make():
    def made(*answers, streaming=True):
        output = {"flows": ["no soup"], "streaming": {"enabled": streaming, "stream_first": False}}
        config = {"models": [], "rails": {"input": {"flows": ["no fish"]}, "output": output}}
        return LLMRails(RailsConfig.from_content(COLANG, config=config), FakeLLMModel(answers))

    return made


async def collected(stream):
    return [chunk async for chunk in stream]


async def test_a_stream_of_rails_alone_asks_no_model(make):
    rails = make("never asked")
    only = {"options": {"rails": ["input"]}}
    assert await collected(rails.stream_async(messages=say("hello"), **only)) == []
    assert await collected(rails.stream_async(messages=say("fish"), **only)) == [SORRY]
    assert await collected(rails.stream_async("fish", include_metadata=True, **only)) == [{"text": SORRY}]
    assert rails.llm.inference_count == 0


async def test_a_stream_of_output_rails_alone_judges_the_answer_that_is_there(make):
    talk = [*say("hello"), {"role": "assistant", "content": "hot soup"}]
    assert await collected(make().stream_async(messages=talk, options={"rails": ["output"]})) == [SORRY]


@pytest.mark.filterwarnings("ignore:StreamingHandler is deprecated")
@pytest.mark.parametrize(("text", "said"), [("hello", []), ("fish", [SORRY])])
async def test_a_handler_of_rails_alone_gets_the_refusal_and_is_ended(make, text, said):
    handler = StreamingHandler()
    await make().generate_async(messages=say(text), options={"rails": ["input"]}, streaming_handler=handler)
    assert await collected(handler) == said


@pytest.mark.parametrize("guarded", [True, False])
async def test_what_a_programs_own_generator_raises_reaches_the_program(make, guarded):
    class OwnError(Exception):
        pass

    async def generator():
        yield "a "
        raise OwnError

    options = None if guarded else {"rails": {"output": False}}
    with pytest.raises(OwnError):
        await collected(make().stream_async(messages=say("hello"), generator=generator(), options=options))


async def test_a_generator_that_is_left_early_is_closed(make):
    closed = []

    async def generator():
        try:
            while True:
                yield "word "
        finally:
            closed.append(True)

    stream = make().stream_async(messages=say("hello"), generator=generator())
    assert await anext(stream)
    await stream.aclose()
    assert closed == [True]


async def test_a_state_holds_events_and_goes_on_in_a_stream(make):
    rails = make("first", "second")
    state = (await rails.generate_async(messages=say("hello"), state={"events": []})).state
    assert [event["type"] for event in state["events"]] == ["UtteranceUserActionFinished", "StartUtteranceBotAction"]
    assert "".join(await collected(rails.stream_async(messages=say("more"), state=state))) == "second"


@pytest.mark.parametrize("state", [{"events": [{"type": "Unheard"}]}, {"events": 3}, {"messages": []}, {"events": [3]}])
def test_a_state_that_no_call_has_given_is_an_error_where_a_stream_is_asked_for(make, state):
    with pytest.raises(InvalidStateError):
        make().stream_async(messages=say("hello"), state=state)


async def test_a_state_keeps_messages_that_are_more_than_text(make):
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    talk = [*say("hello"), {"role": "assistant", "content": "", "tool_calls": [call]}]
    talk += [{"role": "tool", "tool_call_id": "1", "content": "wet"}]
    rails = make("first", "second")
    state = (await rails.generate_async(messages=talk, state={})).state
    again = (await rails.generate_async(messages=say("more"), state=state)).state
    assert [event.get("message") for event in again["events"][1:3]] == talk[1:]


async def test_an_action_has_the_name_that_its_decorator_says(make):
    @action(name="check_words")
    async def anything():
        return False

    colang = "define subflow words\n  $ok = execute check_words\n  if not $ok\n    bot refuse to respond\n    stop\n"
    config = RailsConfig.from_content(colang, config={"models": [], "rails": {"input": {"flows": ["words"]}}})
    rails = LLMRails(config, FakeLLMModel(["never"])).register_action(anything)
    assert (await rails.generate_async(messages=say("hello")))["content"] == SORRY


async def test_a_rail_says_all_of_its_messages(make):
    colang = 'define subflow two\n  bot a "First."\n  bot b "Second."\n  stop\n'
    config = RailsConfig.from_content(colang, config={"models": [], "rails": {"input": {"flows": ["two"]}}})
    assert await LLMRails(config, FakeLLMModel(["never"])).generate_async("hello") == "First.\nSecond."
