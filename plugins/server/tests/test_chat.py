"""Answers, whole and streamed, to both bodies of the contract."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail
from handrail import Chunk, Edit, Ruling, ToolCallDelta, Usage, Verdict
from handrail.errors import ProviderRateLimitError, ProviderServerError

SPECIFIED = {"config_id": "my_config", "messages": [{"role": "user", "content": "Hello!"}], "stream": True}


def refuse(word: str):
    return lambda window: Verdict.block(f"says {word}", category="words") if word in window.text else Verdict.allow()


async def test_body_of_the_specification_is_answered_with_a_stream(serve, config):
    answer = await serve({"my_config": config(["Hello there."])}).chat(SPECIFIED)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.deltas[0] == {"role": "assistant", "content": ""}
    assert answer.text == "Hello there."
    assert answer.last["choices"][0]["finish_reason"] == "stop"
    assert {event["object"] for event in answer.events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in answer.events}) == 1


async def test_flat_body_is_answered_with_messages(serve, config):
    answer = await serve({"a": config(["Hello there."])}).chat({**SPECIFIED, "config_id": "a", "stream": False})
    assert answer.json == {"messages": [{"role": "assistant", "content": "Hello there."}]}


async def test_body_of_openai_is_answered_with_a_completion(serve, config):
    client = serve({"a": config(["Hello there."])})
    answer = await client.chat(model="m1", guardrails={"config_id": "a"})
    assert answer.json["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there."},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert answer.json["object"] == "chat.completion"
    assert answer.json["usage"]["total_tokens"] == sum(
        answer.json["usage"][key] for key in ("prompt_tokens", "completion_tokens")
    )
    assert answer.json["guardrails"] == {"config_id": "a"}


async def test_model_may_name_a_configuration(serve, config):
    client = serve({"a": config(["from a"]), "b": config(["from b"])})
    assert (await client.chat(model="b")).json["choices"][0]["message"]["content"] == "from b"


async def test_text_released_together_is_one_event(serve, fake):
    provider = FakeProvider([f" w{i}" for i in range(100)])
    answer = await serve({"a": fake()}, provider=provider).chat(stream=True)
    texts = [delta for delta in answer.deltas if delta.get("content")]
    assert answer.text == "".join(f" w{i}" for i in range(100))
    assert len(texts) <= 2  # the first goes out at once


@pytest.mark.parametrize("output", [[], ["words"]])
async def test_first_text_goes_out_at_once_however_much_a_model_has_at_hand(serve, fake, anyio_backend_name, output):
    """Otherwise a model that is faster than anything would be read to its end, or to `max_pending`, first."""
    provider = FakeProvider([f" w{i}" for i in range(500)])
    client = serve({"a": fake(output=output)}, provider=provider, rails={"words": FunctionRail()})
    produced = []
    await client.chat(stream=True, on_part=lambda: produced.append(provider.produced))
    # trio runs what is ready in random order, so the model may come first there
    assert produced[0] < (50 if anyio_backend_name == "asyncio" else 501)


async def test_paced_text_is_not_kept_back_to_be_joined(serve, fake):
    answer = await serve({"a": fake()}, provider=FakeProvider([" a", " b", " c"], delay=0.01)).chat(stream=True)
    assert [d["content"] for d in answer.deltas if d.get("content")] == [" a", " b", " c"]


@pytest.mark.parametrize(
    "text", ["{}", "data: [DONE]\n\ndata: {}", '{"error": {"type": "guardrails_violation"}}', "\u2028\r\n\x00\ud800"]
)
async def test_what_a_model_writes_is_never_protocol(serve, fake, text):
    answer = await serve({"a": fake()}, provider=FakeProvider([text])).chat(stream=True)
    assert answer.text == text
    assert answer.last["choices"][0]["finish_reason"] == "stop"
    assert "blocked" not in answer.last["guardrails"]


async def test_block_ends_the_stream_with_content_filter_and_the_rail(serve, fake):
    provider = FakeProvider([" good"] * 30 + [" bad"] + [" more"] * 50, delay=0.001)
    client = serve({"a": fake(output=["words"])}, provider=provider, rails={"words": FunctionRail(refuse("bad"))})
    answer = await client.chat(stream=True)
    assert answer.last["choices"][0]["finish_reason"] == "content_filter"
    assert answer.last["guardrails"]["blocked"] == {
        "rail": "words",
        "direction": "output",
        "reason": "the rail refused it",
        "category": None,
        "channel": "text",
    }
    assert "bad" not in answer.text
    assert answer.text.startswith(" good")
    assert provider.closed == 1


async def test_block_before_any_text_streams_the_refusal(serve, fake):
    rails = {"words": FunctionRail(refuse("bad"))}
    answer = await serve({"a": fake(output=["words"])}, provider=FakeProvider([" bad"]), rails=rails).chat(stream=True)
    assert answer.text == "I'm sorry, I can't respond to that."
    assert answer.last["guardrails"]["blocked"]["rail"] == "words"


async def test_refused_message_never_reaches_the_model(serve, fake):
    provider, rails = FakeProvider(["hi"]), {"words": FunctionRail(refuse("Hello"))}
    client = serve({"a": fake(input_=["words"])}, provider=provider, rails=rails)
    for stream in (False, True):
        answer = await client.chat(stream=stream, model="a")
        last = answer.last if stream else answer.json
        assert last["choices"][0]["finish_reason"] == "content_filter"
        assert last["guardrails"]["blocked"]["direction"] == "input"
    assert answer.text == "I'm sorry, I can't respond to that."
    assert provider.opened == 0


async def test_whole_block_answers_200_with_the_refusal(serve, fake):
    rails = {"words": FunctionRail(refuse("bad"))}
    answer = await serve({"a": fake(output=["words"])}, provider=FakeProvider([" bad"]), rails=rails).chat(model="a")
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == "I'm sorry, I can't respond to that."
    assert answer.json["choices"][0]["finish_reason"] == "content_filter"
    assert answer.json["guardrails"]["blocked"]["rail"] == "words"


async def test_redaction_reaches_the_client(serve, fake):
    rule = lambda text: Ruling(text.replace("secret", "[x]"))  # noqa: E731
    client = serve({"a": fake(output=["mask"])}, provider=FakeProvider(["a secret"]), rails={"mask": SessionRail(rule)})
    assert (await client.chat(stream=True)).text == "a [x]"
    assert (await client.chat()).json["messages"][0]["content"] == "a [x]"


async def test_reasoning_tool_calls_and_usage_are_sent_as_openai_sends_them(serve, fake):
    chunks = [
        Chunk(reasoning="hm"),
        Chunk(text="Let me look."),
        Chunk(
            tool_calls=(ToolCallDelta(0, "call_1", "weather", '{"city"'), ToolCallDelta(0, None, None, ': "Lisbon"}'))
        ),
        Chunk(finish_reason="tool_calls", usage=Usage(3, 4)),
    ]
    client = serve({"a": fake()}, provider=FakeProvider(chunks))
    answer = await client.chat(model="a", stream=True, stream_options={"include_usage": True})
    deltas = answer.deltas
    assert {"reasoning_content": "hm"} in deltas
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert calls[0]["id"] == "call_1"
    assert calls[0]["function"]["name"] == "weather"
    assert "".join(call["function"]["arguments"] for call in calls) == '{"city": "Lisbon"}'
    assert answer.last["choices"][0]["finish_reason"] == "tool_calls"
    assert answer.events[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert answer.events[-1]["choices"] == []
    assert all(event["usage"] is None for event in answer.events[:-1])
    whole = (await client.chat(model="a")).json["choices"][0]["message"]
    assert whole["reasoning_content"] == "hm"
    assert whole["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Lisbon"}'}


@pytest.mark.parametrize("stream", [True, False])
async def test_reasoning_that_no_rail_guards_is_withheld_and_named(serve, fake, stream):
    chunks = [Chunk(reasoning="a secret thought"), Chunk("Hi", finish_reason="stop")]
    values, rails = fake(output=["words"]), {"words": FunctionRail()}
    answer = await serve({"a": values}, provider=FakeProvider(chunks), rails=rails).chat(model="a", stream=stream)
    assert "secret" not in answer.body.decode()
    assert '"withheld":["reasoning_content"]' in answer.body.decode()
    values["rails"]["output"]["deliver_unguarded"] = ["reasoning"]
    answer = await serve({"a": values}, provider=FakeProvider(chunks), rails=rails).chat(model="a", stream=stream)
    assert "a secret thought" in answer.body.decode()


async def test_optimistic_block_says_what_to_withdraw(serve, fake):
    provider = FakeProvider([" good"] * 5 + [" bad"] + [" more"] * 20, delay=0.001)
    rails = {"words": FunctionRail(refuse("bad"))}
    client = serve({"a": fake(output=["words"], stream_first=True)}, provider=provider, rails=rails)
    answer = await client.chat(stream=True)
    withdrawn = next(e["guardrails"]["retraction"] for e in answer.events if "retraction" in e.get("guardrails", {}))
    assert "bad" not in answer.text[: withdrawn["start"]]
    assert answer.last["choices"][0]["finish_reason"] == "content_filter"


async def test_failed_rail_is_an_error_and_no_refusal(serve, fake, caplog):
    def fail(window):
        raise RuntimeError("broken")

    client = serve({"a": fake(output=["words"])}, provider=FakeProvider(["hi"]), rails={"words": FunctionRail(fail)})
    for stream in (False, True):
        answer = await client.chat(stream=stream)
        assert answer.status == 502
        assert answer.error["code"] == "rail_execution_failure"
        assert answer.error["param"] == "words"
        assert "broken" not in answer.body.decode()
    assert caplog.text.count("rail 'words' failed: RuntimeError (output)") == 2  # the operator is told where
    assert "broken" not in caplog.text


async def test_model_that_fails_before_the_first_text_gives_a_status(serve, fake):
    error = ProviderRateLimitError("slow down, sk-secret", retry_after=7)
    client = serve({"a": fake()}, provider=FakeProvider([], error=error))
    for stream in (False, True):
        answer = await client.chat(stream=stream)
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert answer.error["code"] == "rate_limit_exceeded"
        assert "sk-secret" not in answer.body.decode()


async def test_model_that_fails_in_the_middle_ends_the_stream_with_an_error(serve, fake):
    provider = FakeProvider(["some text"], delay=0.001, error=ProviderServerError("boom"))
    answer = await serve({"a": fake()}, provider=provider).chat(stream=True)
    assert answer.status == 200
    assert answer.events[-1]["error"]["code"] == "model_failed"
    assert "some text" in answer.body.decode()


async def test_output_rails_without_streaming_are_refused_with_the_way_out(serve, config):
    rails = {"words": FunctionRail()}
    client = serve({"a": config(output=["words"], streaming=False)}, rails=rails)
    answer = await client.chat(stream=True)
    assert answer.status == 400
    assert "rails.output.streaming.enabled" in answer.error["message"]
    assert (await client.chat(stream=False)).status == 200


async def test_combined_configurations_merge_their_rails(serve, config, fake):
    rails = {"one": FunctionRail(refuse("bad")), "two": FunctionRail(refuse("ugly"))}
    strict = {"rails": {"output": {"flows": ["two"], "streaming": {"enabled": True}}}}
    configs = {"a": fake(output=["one"]), "b": strict}
    policy = {"combinations": [["a", "b"]]}
    client = serve(configs, provider=FakeProvider([" ugly"]), rails=rails, policy=policy)
    assert (await client.chat(config_ids=["a"])).json["messages"][0]["content"] == " ugly"
    answer = await client.chat(guardrails={"config_ids": ["a", "b"]})
    assert answer.json["guardrails"]["blocked"]["rail"] == "two"
    assert answer.json["guardrails"]["config_ids"] == ["a", "b"]


async def test_log_that_was_asked_for_comes_beside_the_answer(serve, fake):
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail()})
    options = {"log": {"activated_rails": True}}
    flat = (await client.chat(options=options)).json
    assert [rail["name"] for rail in flat["log"]["activated_rails"] if rail["type"] == "output"] == ["words"]
    streamed = await client.chat(model="a", guardrails={"options": options}, stream=True)
    assert streamed.last["guardrails"]["log"]["stats"]["llm_calls_count"] == 1
    assert "prompt" not in str(streamed.last["guardrails"]["log"]["activated_rails"])


async def test_checks_run_the_rails_alone(serve, fake):
    edit = lambda window: Verdict.rewrite([Edit(0, 1, "J")]) if window.text == "Hello" else Verdict.allow()  # noqa: E731
    provider = FakeProvider(["hi"])
    rails = {"words": FunctionRail(refuse("bad")), "edit": FunctionRail(edit)}
    client = serve({"a": fake(input_=["edit"], output=["words"])}, provider=provider, rails=rails)
    found = []
    for role, text in (("user", "Hello"), ("user", "fine"), ("assistant", "bad")):
        messages = [{"role": "user", "content": "q"}] if role == "assistant" else []
        messages.append({"role": role, "content": text})
        answer = await client.post("/v1/checks", {"config_id": "a", "messages": messages})
        found.append((answer.json["status"], answer.json["rail"]))
    assert [status for status, _ in found] == ["modified", "passed", "blocked"]
    assert found[2][1] == "words"
    assert provider.opened == 0


async def test_a_check_of_a_direction_without_rails_is_an_error(serve, fake):
    client = serve({"a": fake(input_=["words"])}, rails={"words": FunctionRail(refuse("bad"))})
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}]
    for kinds in (["output"], ["input", "output"]):
        answer = await client.post("/v1/checks", {"config_id": "a", "messages": messages, "rail_types": kinds})
        assert (answer.status, answer.error["code"]) == (400, "rail_type_not_configured")
    answer = await client.post("/v1/checks", {"config_id": "a", "messages": messages, "rail_types": ["input"]})
    assert answer.json["status"] == "passed"


async def test_trace_tells_how_much_is_held_and_never_what(serve, fake):
    rail = FunctionRail(refuse("bad"), latency=0.3)
    provider = FakeProvider([" good"] * 8 + [" bad"], delay=0.001)
    client = serve({"a": fake(output=["words"])}, provider=provider, rails={"words": rail})
    answer = await client.chat(model="a", guardrails={"trace": True}, stream=True)
    traces = [e["guardrails"]["trace"] for e in answer.events if "trace" in e.get("guardrails", {})]
    assert max(trace["held"] for trace in traces) > 0
    assert [check["decision"] for trace in traces for check in trace["checks"]][-1] == "block"
    running = [check for trace in traces for check in trace["running"]]
    assert {(check["rail"], check["channel"]) for check in running} == {("words", "text")}
    assert traces[-1]["running"] == []
    assert "good" not in answer.body.decode()


async def test_held_stream_sends_comments(serve, fake):
    rails = {"words": FunctionRail(latency=0.35)}
    client = serve({"a": fake(output=["words"])}, rails=rails, keep_alive_seconds=0.1)
    answer = await client.chat(stream=True)
    assert b": waiting\n\n" in answer.parts
    assert answer.text == "hi"


async def test_concurrent_answers_are_apart(serve, config):
    script = [{"contains": f"number {i}.", "text": f"answer {i}"} for i in range(20)]
    client = serve({"a": config(script, parameters={"tokens_per_second": 200})})
    texts: dict[int, str] = {}

    async def ask(number: int) -> None:
        messages = [{"role": "user", "content": f"This is number {number}."}]
        texts[number] = (await client.chat(messages=messages, stream=True)).text

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(ask, number)
    assert texts == {number: f"answer {number}" for number in range(20)}
