"""Responses and Messages as OpenAI's and Anthropic's own libraries read them, against a real process."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest

HELLO = [{"role": "user", "content": "Hello!"}]
ASKS = [{"role": "user", "content": "How is the weather?"}]
SORRY = "I'm sorry, I can't respond to that."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
NAMES = ("get_weather", "get_time")
RESULTS = {"get_weather": "sunny", "get_time": "noon"}


@pytest.fixture
def responses(real_server):
    with openai.OpenAI(base_url=f"{real_server.url}/v1", api_key="right-key", max_retries=0) as made:
        yield made.responses


@pytest.fixture
def messages(real_server):
    with anthropic.Anthropic(base_url=real_server.url, api_key="right-key", max_retries=0) as made:
        yield made.messages


def test_a_response(responses):
    answer = responses.create(model="plain", input="Hello!")
    assert (answer.output_text, answer.status) == ("Hello there.", "completed")
    assert answer.usage.total_tokens > 0
    with responses.stream(model="plain", input="Hello!") as stream:
        texts = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert stream.get_final_response().output_text == "".join(texts) == "Hello there."


def test_a_message(messages):
    answer = messages.create(model="plain", messages=HELLO, max_tokens=100)
    assert (answer.content[0].text, answer.stop_reason) == ("Hello there.", "end_turn")
    assert answer.usage.output_tokens > 0
    with messages.stream(model="plain", messages=HELLO, max_tokens=100) as stream:
        assert "".join(stream.text_stream) == stream.get_final_text() == "Hello there."
    assert messages.count_tokens(model="plain", messages=HELLO).input_tokens > 0


def test_a_blocked_response(responses):
    whole = responses.create(model="guarded", input="Hello!")
    events = list(responses.create(model="guarded", input="Hello!", stream=True))
    streamed = events[-1].response
    for answer in (whole, streamed):
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "content_filter")
        text, refusal = answer.output[0].content
        assert text.text.endswith(SORRY)
        assert (refusal.type, refusal.refusal) == ("refusal", SORRY)
        assert answer.guardrails["blocked"]["rail"] == "self check output"
        assert "xyzzy" not in answer.model_dump_json()
    assert streamed.output_text.startswith(" This is a sentence")
    assert events[-1].type == "response.incomplete"


def test_a_blocked_message(messages):
    whole = messages.create(model="guarded", messages=HELLO, max_tokens=100)
    with messages.stream(model="guarded", messages=HELLO, max_tokens=100) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert (answer.stop_reason, answer.stop_details.explanation) == ("refusal", SORRY)
        assert answer.content[0].text.endswith(SORRY)
        assert "xyzzy" not in answer.model_dump_json()


def test_redacted_text(responses, messages):
    assert responses.create(model="masked", input="Hello!").output_text == "Write to [EMAIL] for more."
    with messages.stream(model="masked", messages=HELLO, max_tokens=100) as stream:
        assert stream.get_final_text() == "Write to [EMAIL] for more."


def test_reasoning(responses, messages):
    thought, said = responses.create(model="reasons", input="Hello!").output
    assert (thought.type, thought.summary[0].text) == ("reasoning", "Who pulls the sea?")
    assert said.content[0].text == "The moon."
    with messages.stream(model="reasons", messages=HELLO, max_tokens=100) as stream:
        thinking, text = stream.get_final_message().content
    assert (thinking.thinking, text.text) == ("Who pulls the sea?", "The moon.")


def test_failures(responses, messages):
    with pytest.raises(openai.APIError) as caught:
        list(responses.create(model="broken", input="Hello!", stream=True))
    assert caught.value.code == "model_failed"
    with pytest.raises(openai.NotFoundError):
        responses.create(model="nope", input="Hello!")
    with (
        pytest.raises(anthropic.APIStatusError, match="The model failed"),
        messages.stream(model="broken", messages=HELLO, max_tokens=100) as stream,
    ):
        stream.until_done()
    with pytest.raises(anthropic.NotFoundError):
        messages.create(model="nope", messages=HELLO, max_tokens=100)
    with pytest.raises(anthropic.BadRequestError, match=r"tools\[0\]\.type"):
        messages.create(
            model="plain", messages=HELLO, max_tokens=9, tools=[{"type": "web_search_20250305", "name": "w"}]
        )


def test_a_structured_response_that_is_blocked_is_no_json(responses):
    """Its refusal is no text, which the library would parse."""
    schema = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
    answer = responses.create(model="form", input="Hello!", text={"format": schema})
    assert [part.type for part in answer.output[0].content] == ["refusal"]
    assert "swordfish" not in answer.model_dump_json()


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_a_guarded_tool_loop_of_three_turns_in_responses(responses, keeps, stream):
    """The history is the server's, or the client's own."""
    tools = [{"type": "function", "name": name, "parameters": SCHEMA} for name in NAMES]
    given, previous, called = list(ASKS), None, []
    for _ in range(3):
        more = {"previous_response_id": previous} if previous else {}
        answer = _responded(responses, stream=stream, model="turns", input=given, tools=tools, store=keeps, **more)
        calls = [item for item in answer.output if item.type == "function_call"]
        called += [(call.name, json.loads(call.arguments)) for call in calls]
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": RESULTS[call.name]} for call in calls
        ]
        given = (
            results if keeps else [*given, *[item.model_dump(exclude_none=True) for item in answer.output], *results]
        )
        previous = answer.id if keeps else None
    assert called == [(name, {"city": "Lisbon"}) for name in NAMES]
    assert answer.output_text == "It is sunny at noon."


def _responded(responses, *, stream, **asked):
    if not stream:
        return responses.create(**asked)
    with responses.stream(**asked) as events:
        return events.get_final_response()


@pytest.mark.parametrize("stream", [True, False])
def test_a_guarded_tool_loop_of_three_turns_in_messages(messages, stream):
    tools = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
    talk, called = list(ASKS), []
    for _ in range(3):
        answer = _message(messages, stream=stream, model="turns", messages=talk, tools=tools, max_tokens=100)
        calls = [block for block in answer.content if block.type == "tool_use"]
        called += [(call.name, call.input) for call in calls]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULTS[call.name]} for call in calls]
        talk += [{"role": "assistant", "content": [block.to_dict() for block in answer.content]}]
        talk += [{"role": "user", "content": results}] if results else []
    assert called == [(name, {"city": "Lisbon"}) for name in NAMES]
    assert (answer.content[0].text, answer.stop_reason) == ("It is sunny at noon.", "end_turn")


def _message(client, *, stream, **asked):
    if not stream:
        return client.create(**asked)
    with client.stream(**asked) as events:
        return events.get_final_message()


def test_a_tool_s_result_is_judged_in_the_loop(responses, messages):
    call = {"type": "function_call", "call_id": "c", "name": "get_time", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "swordfish"}
    answer = responses.create(model="turns", input=[*ASKS, call, result])
    assert answer.guardrails["blocked"]["direction"] == "input"
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "get_time", "input": {}}]}
    given = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "swordfish"}]}
    message = messages.create(model="turns", messages=[*ASKS, use, given], max_tokens=9)
    assert message.stop_reason == "refusal"
