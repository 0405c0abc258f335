"""`generate`: what it takes, what it gives, and what it refuses."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail, words
from handrail import Chunk, GenerationResponse, ToolCall, ToolCallDelta, Usage, Verdict
from handrail.errors import ConfigurationError, InvalidRequestError, ProviderServerError

HELLO = [{"role": "user", "content": "hello"}]


async def test_generate_returns_text_for_a_prompt_and_a_message_for_messages(guarded):
    rails = guarded(FakeProvider(["Hi", " there"]), {"r": FunctionRail()}).rails
    assert await rails.generate_async("hello") == "Hi there"
    assert await rails.generate_async(messages=HELLO) == {"role": "assistant", "content": "Hi there"}


@pytest.mark.parametrize("extra", [{"options": {}}, {"state": {}}])
async def test_generate_returns_a_response_whenever_options_or_state_are_given(guarded, extra):
    rails = guarded(FakeProvider(["Hi"]), {}).rails
    of_prompt = await rails.generate_async("hello", **extra)
    of_messages = await rails.generate_async(messages=HELLO, **extra)
    assert isinstance(of_prompt, GenerationResponse)
    assert of_prompt.response == "Hi"
    assert of_messages.response == [{"role": "assistant", "content": "Hi"}]


def test_generate_is_the_synchronous_form_of_generate_async(guarded):
    rails = guarded(FakeProvider(["Hi"]), {"r": FunctionRail()}).rails
    assert rails.generate("hello") == "Hi"
    assert rails.generate(messages=HELLO)["content"] == "Hi"


@pytest.mark.parametrize("name", ["generate", "check"])
async def test_synchronous_forms_raise_runtime_error_inside_a_running_loop(guarded, name):
    rails = guarded(FakeProvider(["Hi"]), {}).rails
    with pytest.raises(RuntimeError, match=f"await {name}_async"):
        getattr(rails, name)(messages=HELLO)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "neither were given"),
        ({"prompt": "x", "messages": HELLO}, "both were given"),
        ({"prompt": 3}, "'prompt' must be text, not int"),
        ({"messages": "hello"}, "'messages' must be a list"),
        ({"messages": ["hello"]}, r"messages\[0\] must be a mapping"),
        ({"messages": [{"role": "usr", "content": "x"}]}, r"messages\[0\] has an unknown role; .*did you mean 'user'"),
        ({"messages": [{"content": "x"}]}, "has a role of the type NoneType"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\] has no content"),
        ({"messages": [*HELLO, {"role": "assistant", "content": None}]}, r"messages\[1\] has no content"),
        ({"messages": [{"role": "user", "content": 3}]}, "has a content of the type int; it must be text or a list"),
        ({"messages": [{"role": "user", "content": {"text": "x"}}]}, "it must be text or a list of parts"),
        (
            {"messages": [{"role": "user", "content": ["x"]}]},
            r"messages\[0\].content\[0\] is of the type str; a part is",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "a 'text' of the type NoneType; it must be a s",
        ),
        ({"messages": [{"role": "context", "content": "x"}]}, "its content must be a mapping, not str"),
        ({"prompt": "x", "options": "log"}, "'options' must be a mapping, not str"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_before_anything_happens(guarded, arguments, says):
    g = guarded(FakeProvider(["Hi"]), {})
    with pytest.raises(InvalidRequestError, match=says):
        await g.rails.generate_async(**arguments)
    with pytest.raises(ValueError, match=says):
        g.rails.stream_async(**arguments)
    assert g.provider.opened == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"messages": ["secret"]},
        {"messages": [{"role": "secret", "content": "x"}]},
        {"messages": [{"role": ["secret"], "content": "x"}]},
        {"messages": [{"role": "user", "content": {"text": "secret"}}]},
        {"messages": [{"role": "user", "content": ["secret"]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ["secret"]}]}]},
        {"messages": [{"role": "context", "content": "secret"}]},
        {"prompt": "x", "options": {"llm_params": "secret"}},
        {"prompt": "x", "options": {"llm_output": "secret"}},
        {"prompt": "x", "options": {"output_vars": "secret"}},
        {"prompt": "x", "options": {"rails": {"input": "secret"}}},
    ],
)
async def test_what_is_refused_is_not_repeated_in_the_error(guarded, arguments):
    rails = guarded(FakeProvider(["Hi"]), {}).rails
    with pytest.raises(InvalidRequestError) as caught:
        await rails.generate_async(**arguments)
    assert "secret" not in str(caught.value)


async def test_output_rails_see_the_whole_answer_at_once(guarded):
    rail = FunctionRail()
    await guarded(FakeProvider(words(300)), {"r": rail}).rails.generate_async("hello")
    (window,) = rail.windows
    assert (window.text, window.last) == ("".join(words(300)), True)


async def test_output_rails_need_no_streaming_to_guard_a_whole_answer(guarded):
    rails = guarded(FakeProvider(["bad"]), {"r": FunctionRail(lambda window: Verdict.block())}, enabled=False).rails
    assert await rails.generate_async("hello") == "I'm sorry, I can't respond to that."


async def test_a_blocked_answer_is_the_refusal_and_nothing_of_the_answer(guarded):
    blocking = {"r": FunctionRail(lambda window: Verdict.block("rude"))}
    rails = guarded(FakeProvider(["bad"]), blocking).rails
    response = await rails.generate_async(messages=HELLO, options={})
    assert response.response == [{"role": "assistant", "content": "I'm sorry, I can't respond to that."}]
    assert (response.text, response.outcome, response.stop.reason) == ("", "blocked", "rude")


async def test_a_failed_rail_gives_another_message_than_a_refusal(guarded):
    rails = guarded(FakeProvider(["x"]), {"r": FunctionRail(lambda window: 1 / 0)}).rails
    assert await rails.generate_async("hello") == "I'm sorry, an internal error has occurred."


async def test_with_enable_rails_exceptions_a_block_is_a_message_of_the_role_exception(guarded):
    blocking = {"r": FunctionRail(lambda window: Verdict.block("rude"))}
    rails = guarded(FakeProvider(["bad"]), blocking, top={"enable_rails_exceptions": True}).rails
    assert await rails.generate_async(messages=HELLO) == {
        "role": "exception",
        "content": {"type": "OutputRailException", "rail": "r", "message": "r: rude"},
    }
    assert (await rails.generate_async("hello"))["role"] == "exception"


async def test_a_provider_that_breaks_raises_its_error(guarded):
    rails = guarded(FakeProvider(["x"], error=ProviderServerError("overloaded")), {"r": FunctionRail()}).rails
    with pytest.raises(ProviderServerError, match="overloaded"):
        await rails.generate_async("hello")
    assert rails.explain().llm_calls[0].completion == "x"


async def test_without_a_main_model_the_error_says_what_to_do(guarded):
    g = guarded(FakeProvider([]), {}, top={"models": []})
    with pytest.raises(ConfigurationError, match="no model of type 'main' is configured"):
        await g.rails.generate_async("hello")


async def test_reasoning_tool_calls_and_metadata_are_in_the_response(guarded):
    chunks = [
        Chunk(reasoning="let me "),
        Chunk(reasoning="look"),
        Chunk(tool_calls=(ToolCallDelta(0, "c1", "search", '{"q":'),), metadata={"id": "req-1"}),
        Chunk(tool_calls=(ToolCallDelta(0, arguments='"x"}'),), finish_reason="tool_calls"),
    ]
    rails = guarded(FakeProvider(chunks), {"r": FunctionRail()}).rails
    response = await rails.generate_async(messages=HELLO, options={"llm_output": True, "log": {"llm_calls": True}})
    assert response.reasoning_content == response.reasoning == "let me look"
    assert response.tool_calls == (ToolCall("c1", "search", '{"q":"x"}'),)
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q":"x"}'}}
    assert response.response == [{"role": "assistant", "content": "", "tool_calls": [call]}]
    assert response.llm_output == response.llm_metadata == {"finish_reason": "tool_calls", "id": "req-1"}
    assert response.log.llm_calls[0].id == "req-1"


async def test_context_and_event_messages_do_not_reach_the_model(guarded):
    g = guarded(FakeProvider(["Hi"]), {})
    context = {"role": "context", "content": {"city": "Bonn"}}
    event = {"role": "event", "event": {"type": "X"}}
    system = {"role": "developer", "content": "Be brief."}
    await g.rails.generate_async(messages=[context, event, system, *HELLO])
    assert [dict(message) for message in g.provider.messages[0]] == [system, *HELLO]


async def test_instructions_precede_the_conversation(guarded):
    g = guarded(FakeProvider(["Hi"]), {}, top={"instructions": [{"type": "general", "content": "Be kind."}]})
    await g.rails.generate_async("hello")
    assert [message["content"] for message in g.provider.messages[0]] == ["Be kind.", "hello"]


async def test_update_llm_and_llm_replace_the_main_model(guarded):
    g = guarded(FakeProvider(["old"]), {"r": FunctionRail()})
    new = FakeProvider([Chunk("new", usage=Usage(3, 1))])
    assert g.rails.update_llm(new) is g.rails
    response = await g.rails.generate_async("hello", options={"log": {"llm_calls": True}})
    assert response.response == "new"
    assert response.log.llm_calls[0].llm_model_name == "FakeProvider"
    assert g.provider.opened == 0
    with pytest.raises(ConfigurationError, match=r"llm is 'str'; it must have stream\(messages, params\)"):
        g.rails.update_llm("gpt-4")


async def test_what_can_be_closed_is_closed_with_the_rails_whatever_fails(guarded):
    closed = []

    class Provider(FakeProvider):
        async def aclose(self):
            closed.append(self)

    class Connected(FunctionRail):
        async def aclose(self):
            closed.append(self)
            raise OSError("gone")

    parts = {"in": Connected(), "out": Connected(), "plain": FunctionRail()}
    g = guarded(Provider(["x"]), parts, input_flows=["in"])
    with pytest.raises(OSError, match="gone"):
        async with g.rails as rails:
            await rails.generate_async("hello")
    assert closed == [parts["out"], parts["in"], g.provider]
