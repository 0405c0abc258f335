"""The interface that existing code relies on: names, signatures, forms of results. A test for each part of it."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator
from dataclasses import fields

import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import (
    Blocked,
    Chunk,
    Finished,
    GenerationLog,
    GenerationResponse,
    LLMRails,
    RailsConfig,
    StreamError,
    ToolCallDelta,
    Usage,
    Verdict,
)
from handrail._call.log import ActivatedRail, ExecutedAction, GenerationStats, LLMCallInfo
from handrail.errors import (
    ConfigurationError,
    InvalidRailsConfigurationError,
    InvalidRequestError,
    StreamingNotSupportedError,
)

HELLO = [{"role": "user", "content": "hello"}]


def parameters(function):
    """Return the parameters as a caller may pass them in order, with their defaults."""
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.name != "self" and p.kind is not p.KEYWORD_ONLY}


def names(record):
    return {field.name for field in fields(record)}


def test_llm_rails_of_config_llm_and_verbose():
    assert list(parameters(LLMRails.__init__)) == ["config", "llm", "verbose"]
    config = RailsConfig.from_content(
        config={"models": [{"type": "main", "engine": "scripted", "parameters": ANSWERS}]}
    )
    provider = FakeProvider(["mine"])
    assert LLMRails(config, provider).generate("hello") == "mine"
    assert LLMRails(config, llm=provider, verbose=True).generate("hello") == "mine"
    assert LLMRails(config).generate("hello") == "Hello there."


async def test_stream_async_is_a_plain_method_that_returns_an_async_iterator(guarded):
    assert parameters(LLMRails.stream_async) == {
        "prompt": None,
        "messages": None,
        "options": None,
        "state": None,
        "include_metadata": False,
        "generator": None,
        "include_generation_metadata": None,
    }
    assert not inspect.iscoroutinefunction(LLMRails.stream_async)
    for rails in ({}, {"r": FunctionRail()}):
        stream = guarded(FakeProvider(["Hi"]), rails).rails.stream_async(messages=HELLO)
        assert isinstance(stream, AsyncIterator)
        assert [text async for text in stream] == ["Hi"]


def test_streaming_not_supported_error_is_raised_at_the_call(guarded):
    rails = guarded(FakeProvider([]), {"r": FunctionRail()}, enabled=False).rails
    with pytest.raises(StreamingNotSupportedError) as raised:
        rails.stream_async(messages=HELLO)
    assert "rails.output.streaming.enabled" in str(raised.value)
    assert "generate_async()" in str(raised.value)
    assert issubclass(StreamingNotSupportedError, InvalidRailsConfigurationError)
    assert issubclass(InvalidRailsConfigurationError, ConfigurationError)
    assert issubclass(ConfigurationError, ValueError)


async def test_stream_async_yields_events_in_the_place_of_what_is_no_text(guarded):
    async def items_of(*chunks, rails, error=None):
        return await guarded(FakeProvider(chunks, error=error), rails).texts(include_events=True)

    call = ToolCallDelta(0, "c", "f", "{}")
    refusing = FunctionRail(lambda window: Verdict.block())
    for rails in ({}, {"r": FunctionRail()}, {"s": SessionRail()}):
        assert await items_of("Hi", Chunk(tool_calls=(call,)), rails=rails) == ["Hi", call, Finished()]
    assert [type(item) for item in await items_of("Hi", rails={"r": refusing})] == [Blocked]
    with pytest.raises(OSError, match="gone"):
        await items_of("Hi", rails={}, error=OSError("gone"))
    with pytest.raises(InvalidRequestError):
        guarded(FakeProvider([]), {}).rails.stream_async("hello", include_events=True, include_metadata=True)


async def test_generator_guards_any_async_iterator_of_text(guarded):
    async def texts():
        for word in words(50):
            yield word

    bad = words(50)[30]
    rail = FunctionRail(lambda window: Verdict.block() if bad in window.text else Verdict.allow())
    *delivered, last = [t async for t in guarded(FakeProvider([]), {"r": rail}).rails.stream_async(generator=texts())]
    assert bad not in "".join(delivered)
    assert isinstance(last, StreamError)


async def test_generate_async_of_exactly_one_of_prompt_and_messages(guarded):
    assert list(parameters(LLMRails.generate_async))[:4] == ["prompt", "messages", "options", "state"]
    rails = guarded(FakeProvider(["Hi"]), {}).rails
    for wrong in ({}, {"prompt": "hello", "messages": HELLO}):
        with pytest.raises(ValueError, match="pass either 'prompt' or 'messages'"):
            await rails.generate_async(**wrong)
    assert await rails.generate_async("hello") == "Hi"
    assert await rails.generate_async(messages=HELLO) == {"role": "assistant", "content": "Hi"}
    assert isinstance(await rails.generate_async(messages=HELLO, options={}), GenerationResponse)
    assert isinstance(await rails.generate_async(messages=HELLO, state={}), GenerationResponse)


async def test_generate_is_synchronous_and_raises_runtime_error_inside_a_running_loop(guarded):
    assert parameters(LLMRails.generate) == parameters(LLMRails.generate_async)
    with pytest.raises(RuntimeError):
        guarded(FakeProvider(["Hi"]), {}).rails.generate("hello")


async def test_check_async_of_messages_and_rail_types(guarded):
    assert parameters(LLMRails.check_async) == {"messages": inspect.Parameter.empty, "rail_types": None}
    assert parameters(LLMRails.check) == parameters(LLMRails.check_async)
    rails = guarded(FakeProvider([]), {"r": FunctionRail(lambda window: Verdict.block())}).rails
    result = await rails.check_async([*HELLO, {"role": "assistant", "content": "Hi"}])
    assert (result.status, result.content, result.rail) == ("blocked", "I'm sorry, I can't respond to that.", "r")
    assert (await rails.check_async(HELLO)).status == "passed"


async def test_explain_has_llm_calls_and_print_llm_calls_summary(guarded, capsys):
    rails = guarded(FakeProvider(["Hi"]), {}).rails
    await rails.generate_async("hello")
    explanation = rails.explain()
    assert [call.completion for call in explanation.llm_calls] == ["Hi"]
    explanation.print_llm_calls_summary()
    assert capsys.readouterr().out.startswith("Summary: 1 LLM call, ")


def test_register_methods_and_update_llm_are_chainable(guarded):
    rails = guarded(FakeProvider([]), {}).rails
    assert rails.register_action(print, "show") is rails
    assert rails.register_action_param("n", 1) is rails
    assert rails.register_output_parser(str, "text") is rails
    assert rails.register_prompt_context("n", 1) is rails
    assert rails.update_llm(FakeProvider([])) is rails


async def test_message_roles_are_user_assistant_system_developer_tool_context_and_event(guarded):
    g = guarded(FakeProvider(["Hi"]), {})
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for_models = [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": "d"},
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "1", "tool_call_id": "c1"},
    ]
    others = [{"role": "context", "content": {"a": 1}}, {"role": "event", "event": {"type": "Ping"}}]
    await g.rails.generate_async(messages=[*others, *for_models])
    assert list(g.provider.messages[0]) == for_models


async def test_options_are_rails_llm_params_llm_output_output_vars_and_log(guarded):
    rails = guarded(FakeProvider(["Hi"]), {"r": FunctionRail()}, enabled=False).rails
    options = {
        "rails": {"input": True, "output": ["r"], "dialog": False, "retrieval": False},
        "llm_params": {"temperature": 0},
        "llm_output": True,
        "output_vars": True,
        "log": {"activated_rails": True, "llm_calls": True, "internal_events": True, "colang_history": True},
    }
    response = await rails.generate_async(messages=HELLO, options=options)
    assert response.llm_output is not None
    assert response.output_data["bot_message"] == "Hi"
    assert None not in (response.log.activated_rails, response.log.llm_calls, response.log.internal_events)
    for wanted in (["input", "output"], ["output"], {"output": True}, {"output": False}):
        assert (await rails.generate_async(messages=HELLO, options={"rails": wanted})).response[0]["content"] == "Hi"


async def test_response_has_response_llm_output_output_data_log_state_tool_calls_reasoning_and_metadata(guarded):
    wanted = {
        "response",
        "llm_output",
        "output_data",
        "log",
        "state",
        "tool_calls",
        "reasoning_content",
        "llm_metadata",
    }
    assert wanted <= names(GenerationResponse)
    g = guarded(FakeProvider([Chunk("Hi", reasoning="hm", finish_reason="stop")]), {})
    response = await g.rails.generate_async("hello", options={})
    assert (response.response, response.reasoning_content) == ("Hi", "hm")
    assert response.llm_metadata["finish_reason"] == "stop"
    assert (await g.rails.generate_async(messages=HELLO, options={})).response == [
        {"role": "assistant", "content": "Hi"}
    ]


async def test_log_has_activated_rails_stats_llm_calls_and_print_summary(guarded, capsys):
    assert {"activated_rails", "stats", "llm_calls", "internal_events", "colang_history"} <= names(GenerationLog)
    assert {
        "type",
        "name",
        "decisions",
        "executed_actions",
        "stop",
        "started_at",
        "finished_at",
        "duration",
    } <= names(ActivatedRail)
    assert {"action_name", "llm_calls", "started_at", "finished_at", "duration"} <= names(ExecutedAction)
    assert names(GenerationStats) == {
        "input_rails_duration",
        "output_rails_duration",
        "generation_rails_duration",
        "total_duration",
        "llm_calls_duration",
        "llm_calls_count",
        "llm_calls_total_prompt_tokens",
        "llm_calls_total_completion_tokens",
        "llm_calls_total_tokens",
    }
    assert {
        "task",
        "duration",
        "total_tokens",
        "prompt_tokens",
        "completion_tokens",
        "started_at",
        "finished_at",
        "id",
        "prompt",
        "completion",
        "llm_model_name",
        "llm_provider_name",
    } <= names(LLMCallInfo)
    rails = guarded(FakeProvider(["Hi"]), {"r": FunctionRail()}).rails
    response = await rails.generate_async("hello", options={"log": {"activated_rails": True, "llm_calls": True}})
    response.log.print_summary()
    assert "# General stats" in capsys.readouterr().out


async def test_chunks_with_metadata_are_mappings_and_the_last_has_the_usage(guarded):
    chunks = [Chunk("Hi"), Chunk(" you", usage=Usage(9, 2))]
    *texts, last = await guarded(FakeProvider(chunks), {}).texts(include_metadata=True)
    assert texts == [{"text": "Hi"}, {"text": " you"}]
    usage = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
    assert last == {"text": "", "metadata": {"usage": usage, "response_metadata": None, "usage_metadata": None}}


async def test_a_block_arrives_as_json_text_and_a_failure_as_another_kind(guarded):
    def error_of(texts):
        return json.loads(texts[-1])["error"]

    blocked = await guarded(FakeProvider(["Hi"]), {"r": FunctionRail(lambda window: Verdict.block())}).texts()
    assert error_of(blocked) == {
        "message": "Blocked by r rails.",
        "type": "guardrails_violation",
        "param": "r",
        "code": "content_blocked",
    }
    failed = error_of(await guarded(FakeProvider(["Hi"]), {"r": FunctionRail(lambda window: None)}).texts())
    assert (failed["type"], failed["code"]) == ("internal_error", "rail_execution_failure")
    broken = await guarded(FakeProvider(["Hi"], error=RuntimeError("gone")), {}).texts()
    assert error_of(broken)["type"] == "generation_error"


ANSWERS = {"answers": ["Hello there."]}


@pytest.mark.parametrize("usage", [True, False, {"input_tokens": 21, "output_tokens": 4}])
def test_token_usage_is_read_from_the_log_as_the_specification_has_it(capsys, usage):
    model = {"type": "main", "engine": "scripted", "model": "demo", "parameters": {**ANSWERS, "usage": usage}}
    rails = LLMRails(RailsConfig.from_content(config={"models": [model]}))
    messages = [{"role": "user", "content": "Hello!"}]

    response = rails.generate(messages=messages, options={
        "log": {
            "llm_calls": True
        }
    })  # fmt: skip

    for llm_call in response.log.llm_calls:
        print(f"Total tokens: {llm_call.total_tokens}")
        print(f"Prompt tokens: {llm_call.prompt_tokens}")
        print(f"Completion tokens: {llm_call.completion_tokens}")

    printed = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    total, prompt, completion = (int(printed[f"{kind} tokens"]) for kind in ("Total", "Prompt", "Completion"))
    assert total == prompt + completion
    assert completion > 0
    assert prompt > 0
    if isinstance(usage, dict):
        assert (prompt, completion) == (21, 4)
    (call,) = response.log.llm_calls
    assert call.estimated is (usage is False)
