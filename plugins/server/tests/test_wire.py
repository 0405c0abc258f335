"""What a model's server sends beside text reaches the client, judged where it has text; or it is withheld and named."""

from __future__ import annotations

import json
import logging

import pytest
from fakes import FakeProvider, FunctionRail
from handrail import Chunk, Edit, ToolCallDelta, Usage, Verdict
from handrail_server._beside import _warn_once
from handrail_server._kept import KeptReasoning
from handrail_server._leaves import texts_of
from hypothesis import given
from hypothesis import strategies as st

SECRET = "swordfish"  # noqa: S105  # what the rail of these tests looks for


def judge(window):
    """Block one word, and mask another."""
    if SECRET in window.text:
        return Verdict.block("says it")
    found = window.text.find("mask-me")
    if found < 0:
        return Verdict.allow()
    start, end = window.span(found, found + len("mask-me"))
    return Verdict.rewrite([Edit(start, end, "[MASKED]")])


def answer(*chunks, finish="stop", **wire):
    """The chunks of an answer, its structure first as handrail-openai sends it."""
    return [Chunk(metadata={"wire": wire}), *(chunks or ("Hello there.",)), Chunk(finish_reason=finish)]


@pytest.fixture
def ask(serve, fake):
    """Ask for an answer, streamed or whole, behind a rail or none; give its parts alike for both."""

    async def asked(chunks, *, stream, guarded=True, **fields):
        rails = {"words": FunctionRail(judge)}
        client = serve({"a": fake(output=["words"] if guarded else [])}, rails=rails, provider=FakeProvider(chunks))
        told = await client.chat(model="a", stream=stream, **fields)
        assert told.status == 200, told.json
        assert SECRET not in told.body.decode()
        return read(told) if stream else (told.json["choices"][0]["message"], told.json["choices"][0], told.json)

    return asked


def read(told):
    """Put a stream together as clients do."""
    message, choice, body = {}, {}, {}
    for event in told.events:
        body |= event
        for part in event["choices"]:
            choice |= {name: value for name, value in part.items() if value is not None}
            for name, value in part["delta"].items():
                message[name] = message[name] + value if isinstance(message.get(name), str | list) else value
    return message, choice, body


either = pytest.mark.parametrize("stream", [True, False])


@either
@pytest.mark.parametrize("guarded", [True, False])
async def test_structure_of_an_answer_is_told(ask, stream, guarded):
    head = {"system_fingerprint": "fp_1", "service_tier": "flex"}
    upstream = {"id": "chatcmpl-up", "model": "gpt-x", "created": 7}
    headers = {"x-ratelimit-remaining-requests": "9"}
    _, _, body = await ask(answer(**head, **upstream, headers=headers), stream=stream, guarded=guarded)
    assert {name: body[name] for name in head} == head
    assert body["guardrails"]["upstream"] == upstream
    assert body["id"] != upstream["id"]
    assert "x-ratelimit" not in json.dumps(body)


@either
@pytest.mark.parametrize(
    "wire",
    [
        *({name: f"{SECRET} x"} for name in ("id", "model", "provider", "system_fingerprint", "service_tier")),
        {"usage": {"prompt_tokens": 1, "note": f"{SECRET} x", f"{SECRET} x": 1, "all": [{"note": f"{SECRET} x"}]}},
        {"lost": [f"{SECRET} x"]},
        *({"unguarded": {place: {f"{SECRET} x": 1, "a": 2}}} for place in ("answer", "choice", "message")),
    ],
)
async def test_a_text_where_a_word_stands_is_not_told(ask, stream, wire):
    """Not even as the name of what is withheld."""
    options = {"stream_options": {"include_usage": True}} if stream else {}
    await ask([*answer(**wire), Chunk(usage=Usage(9, 4))], stream=stream, **options)


@either
async def test_a_reason_that_is_a_text_is_not_told(ask, stream):
    _, choice, _ = await ask(answer(finish=f"it said {SECRET} x"), stream=stream)
    assert choice["finish_reason"] == "length"


async def test_each_chunk_has_the_fields_that_each_chunk_of_openai_has(serve, fake):
    client = serve({"a": fake()}, provider=FakeProvider(answer(system_fingerprint="fp_1")))
    told = await client.chat(model="a", stream=True)
    assert {event.get("system_fingerprint") for event in told.events} == {"fp_1"}


USAGE = {
    "prompt_tokens": 9.0,
    "completion_tokens": 4,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 7},
    "cost": 0.5,
}


@either
async def test_usage_comes_with_all_that_the_model_s_server_told(ask, stream):
    chunks = [*answer(usage=USAGE), Chunk(usage=Usage(9, 4, cached_tokens=7))]
    options = {"stream_options": {"include_usage": True}} if stream else {}
    _, _, body = await ask(chunks, stream=stream, **options)
    assert body["usage"] == {**USAGE, "prompt_tokens": 9}


@either
async def test_usage_of_any_provider_has_what_was_cached_and_reasoned(ask, stream):
    options = {"stream_options": {"include_usage": True}} if stream else {}
    used = Usage(9, 4, cached_tokens=7, reasoning_tokens=3)
    _, _, body = await ask([*answer(), Chunk(usage=used)], stream=stream, **options)
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 7}
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}
    assert "estimated" not in body["usage"]


@either
async def test_usage_after_a_block_is_marked_as_estimated(serve, fake, stream):
    provider = FakeProvider(answer("It is swordfish.", usage=USAGE))
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail(judge)}, provider=provider)
    options = {"stream_options": {"include_usage": True}} if stream else {}
    told = await client.chat(model="a", stream=stream, **options)
    usage = told.events[-1]["usage"] if stream else told.json["usage"]
    assert usage["estimated"] is True
    assert "cost" not in usage


CITED = [{"type": "url_citation", "url_citation": {"url": "http://x.example", "title": "mask-me and more", "n": 3}}]
GIVEN = {
    "annotations": ("message", CITED),
    "citations": ("answer", ["http://x.example", "plain"]),
    "stop_reason": ("choice", "END"),
    "content_filter_results": ("choice", {"hate": {"filtered": False, "severity": "safe"}}),
    "extra_content": ("message", {"google": {"thought_signature": "AY8+/="}}),
    "reasoning_details": ("message", [{"type": "reasoning.encrypted", "data": "abc=", "id": "r1", "index": 0}]),
}


@either
@pytest.mark.parametrize(("name", "place", "value"), [(name, *rest) for name, rest in GIVEN.items()], ids=GIVEN)
async def test_what_rails_let_through_is_given_with_their_edits(ask, stream, name, place, value):
    message, choice, body = await ask(answer(unguarded={place: {name: value}}), stream=stream)
    told = {"message": message, "choice": choice, "answer": body}[place][name]
    assert told == json.loads(json.dumps(value).replace("mask-me", "[MASKED]"))
    assert "withheld" not in body["guardrails"]


WITHHELD = {
    "annotations": ("message", [{"url_citation": {"title": f"the {SECRET}"}}]),
    "search_results": ("answer", [{"title": "fine"}, {f"{SECRET} as a key": 1}]),
    "numbers": ("answer", {"mask-me": 4111111111111111, "a b mask-me": 1}),
    "thinking_blocks": ("message", [{"type": "thinking", "thinking": SECRET, "signature": "S"}]),
    "reasoning_details": ("message", [{"type": "reasoning.text", "text": SECRET}]),
    "a signature with words": ("message", {"signature": f"the {SECRET}"}),
    "data of no encrypted item": ("message", {"type": "other", "data": SECRET}),
    "audio": ("message", {"id": "1", "transcript": SECRET}),
    "images": ("message", [{"image_url": {"url": f"https://x.example/{SECRET}"}}]),
    "a data URL": ("message", {"part": {"url": f"DATA:text/plain,{SECRET}"}}),
    "a very long word": ("answer", "A" * 3000 + SECRET),
    "logprobs": ("choice", {"content": [{"token": SECRET, "logprob": -1}]}),
    "token_ids": ("choice", [1, 2, 3]),
}


@either
@pytest.mark.parametrize(("name", "place", "value"), [(name, *rest) for name, rest in WITHHELD.items()], ids=WITHHELD)
async def test_what_no_rail_lets_through_is_withheld_and_named(ask, caplog, stream, name, place, value):
    _warn_once.cache_clear()
    message, choice, body = await ask(answer(unguarded={place: {name: value}}), stream=stream)
    assert not any(where.get(name) for where in (message, choice, body))
    assert body["guardrails"]["withheld"] == [name]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any(name in warning for warning in warnings)
    assert SECRET not in caplog.text


@either
async def test_without_rails_all_is_given_as_it_came(serve, fake, stream):
    unguarded = {}
    for name, (place, value) in (GIVEN | WITHHELD).items():
        unguarded.setdefault(place, {})[name] = value
    client = serve({"a": fake()}, provider=FakeProvider(answer(unguarded=unguarded)))
    told = await client.chat(model="a", stream=stream)
    message, choice, body = read(told) if stream else (*parts_of(told.json), told.json)
    for place, found in (("message", message), ("choice", choice), ("answer", body)):
        assert {name: found[name] for name in unguarded[place]} == unguarded[place]


def parts_of(body):
    return body["choices"][0]["message"], body["choices"][0]


@either
async def test_what_was_lost_on_the_way_is_named(ask, stream):
    _, _, body = await ask(answer(lost=["notes"]), stream=stream)
    assert body["guardrails"]["withheld"] == ["notes"]


@either
async def test_a_field_cannot_take_the_place_of_ours(ask, stream):
    forged = {"answer": {"guardrails": {}, "id": "x"}, "message": {"content": SECRET, "role": "system"}}
    message, _, body = await ask(answer(unguarded=forged), stream=stream, guarded=False)
    assert (message["role"], message["content"]) == ("assistant", "Hello there.")
    assert body["guardrails"]["config_id"] == "a"
    assert body["id"].startswith("chatcmpl-")


@either
async def test_a_rail_that_fails_withholds(serve, fake, stream):
    def fails(window):
        if window.text != "Hello there.":
            raise RuntimeError(window.text)
        return Verdict.allow()

    provider = FakeProvider(answer(unguarded={"message": {"annotations": CITED}}))
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail(fails)}, provider=provider)
    told = await client.chat(model="a", stream=stream)
    assert b"url_citation" not in told.body
    assert b'"withheld":["annotations"]' in told.body


async def test_llm_output_has_nothing_of_the_wire(serve, fake):
    provider = FakeProvider(answer(unguarded={"message": {"notes": SECRET}}))
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail(judge)}, provider=provider)
    told = await client.chat(model="a", guardrails={"options": {"llm_output": True}})
    assert "wire" not in told.json["guardrails"]["llm_output"]
    assert SECRET not in told.body.decode()


@either
async def test_a_refusal_of_the_model_is_judged_and_told_as_one(ask, stream):
    message, _, _ = await ask(answer("I cannot, ", "mask-me.", refusal=True), stream=stream)
    assert message["refusal"] == "I cannot, [MASKED]."
    assert not message["content"]


REASONS = {
    "stop": "stop",
    "eos_token": "stop",
    "END_TURN": "stop",
    "length": "length",
    "model_length": "length",
    "MAX_TOKENS": "length",
    "safety": "content_filter",
    "guardrail_intervened": "content_filter",
    "content_filter: PROHIBITED_CONTENT": "content_filter",
    "tool_use": "tool_calls",
    "tool-calls": "tool_calls",
    "something new": "length",
}


@either
@pytest.mark.parametrize(("own", "told"), REASONS.items())
async def test_a_reason_is_told_in_openai_s_words_with_the_model_s_beside(ask, stream, own, told):
    _, choice, _ = await ask(answer(finish=own), stream=stream)
    assert choice["finish_reason"] == told
    assert choice.get("native_finish_reason") == (None if own == told else own)


CUSTOM = {"type": "custom", "custom": {"name": "run", "input": "print(1)"}, "id": "c"}
SIGNED = {
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
    "id": "c",
    "extra_content": {"google": {"thought_signature": "AY8"}},
}
CALLS = {
    "custom": ({"type": "custom"}, ToolCallDelta(0, "c", "run", "print(1)", "custom"), CUSTOM),
    "signed": ({"extra_content": SIGNED["extra_content"]}, ToolCallDelta(0, "c", "f", "{}"), SIGNED),
    "usual": ({}, ToolCallDelta(0, "c", "f", "{}"), {name: SIGNED[name] for name in ("type", "function", "id")}),
}


@either
@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize(("beside", "delta", "wanted"), CALLS.values(), ids=CALLS)
async def test_a_call_comes_in_the_form_in_which_it_was_sent(ask, stream, guarded, beside, delta, wanted):
    chunks = answer(Chunk(tool_calls=(delta,)), finish="tool_calls", tool_calls={0: beside})
    message, _, _ = await ask(chunks, stream=stream, guarded=guarded)
    assert message["tool_calls"] == [{**wanted, "index": 0} if stream else wanted]


async def test_fragments_of_a_custom_call_have_its_form(serve, fake):
    fragments = [
        Chunk(tool_calls=(ToolCallDelta(0, "c", "run", "a"),)),
        Chunk(tool_calls=(ToolCallDelta(0, arguments="b"),)),
    ]
    chunks = answer(*fragments, finish="tool_calls", tool_calls={0: {"type": "custom", "extra": 1}})
    told = await serve({"a": fake()}, provider=FakeProvider(chunks)).chat(model="a", stream=True)
    found = [delta["tool_calls"][0] for delta in told.deltas if "tool_calls" in delta]
    assert found == [
        {"index": 0, "id": "c", "type": "custom", "custom": {"name": "run", "input": "a"}, "extra": 1},
        {"index": 0, "custom": {"input": "b"}},
    ]


@either
async def test_the_old_form_of_a_call_is_told_in_the_old_form(ask, stream):
    call = Chunk(tool_calls=(ToolCallDelta(0, "c", "pay", '{"id": 1}'),))
    message, choice, _ = await ask(
        answer(call, finish="function_call", tool_calls={0: {"type": "function_call"}}), stream=stream
    )
    assert message["function_call"] == {"name": "pay", "arguments": '{"id": 1}'}
    assert "tool_calls" not in message
    assert choice["finish_reason"] == "function_call"


@either
async def test_words_beside_a_call_are_withheld_behind_rails(ask, stream):
    call = Chunk(tool_calls=(ToolCallDelta(0, "c", "f", "{}"),))
    beside = {"note": f"the {SECRET}", "signature": "S"}
    message, _, body = await ask(answer(call, finish="tool_calls", tool_calls={0: beside}), stream=stream)
    assert message["tool_calls"][0]["signature"] == "S"
    assert body["guardrails"]["withheld"] == ["tool_calls.note"]


HISTORY = [
    {"role": "assistant", "content": None, "tool_calls": [SIGNED]},
    {"role": "assistant", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
    {"role": "assistant", "content": "x", "reasoning_content": "y"},
]


@pytest.mark.parametrize("message", HISTORY)
async def test_history_reaches_the_model_as_it_came(serve, fake, message):
    provider = FakeProvider(["Fine."])
    messages = [{"role": "user", "content": "a"}, message, {"role": "user", "content": "b"}]
    told = await serve({"a": fake()}, provider=provider).chat(model="a", messages=messages)
    assert told.status == 200, told.json
    assert list(provider.messages[-1]) == messages


def next_turn(call, name="f", arguments="{}"):
    called = {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
    return [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": call, "content": "21"},
    ]


DETAILS = [{"type": "reasoning.text", "text": "think", "signature": "S"}]
THOUGHT = {"next_turn": {"reasoning_content": "think"}, "message": {"reasoning_details": DETAILS}}
CALLED = answer(Chunk(tool_calls=(ToolCallDelta(0, "call_1", "f", '{"a":1}'),)), finish="tool_calls", unguarded=THOUGHT)


@either
async def test_reasoning_that_the_next_turn_needs_comes_back_beside_its_call(serve, fake, stream):
    provider = FakeProvider(CALLED)
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail(judge)}, provider=provider)
    told = await client.chat(model="a", stream=stream)
    assert "think" not in told.body.decode().replace("withheld", "")
    await client.chat(model="a", messages=next_turn("call_1", arguments='{"a": 1}'))
    sent = provider.messages[-1][1]
    assert (sent["reasoning_content"], sent["reasoning_details"]) == ("think", DETAILS)


@either
@pytest.mark.parametrize("channels", [["text"], ["text", "reasoning"]], ids=["withheld", "given"])
async def test_reasoning_comes_back_whether_its_client_got_it_or_not(serve, fake, stream, channels):
    """DeepSeek refuses a turn without it, and most clients keep nothing of it."""
    first = (Chunk(reasoning="think"), Chunk(tool_calls=(ToolCallDelta(0, "call_1", "f", "{}"),)))
    provider = FakeProvider(
        answer(*first, finish="tool_calls", unguarded={"next_turn": {"reasoning_content": "think"}})
    )
    rails = {"words": FunctionRail(judge)}
    config = fake(output=["words"])
    own = {**config["rails"], "config": {"words": {"channels": channels}}}
    client = serve({"a": {**config, "rails": own}}, rails=rails, provider=provider)
    told = await client.chat(model="a", stream=stream)
    assert ('"reasoning_content":"think"' in told.body.decode()) is ("reasoning" in channels)
    await client.chat(model="a", messages=next_turn("call_1"))
    assert provider.messages[-1][1]["reasoning_content"] == "think"


CONTENT = {"google": {"thought_signature": "S"}}
TWO_CALLS = answer(
    Chunk(tool_calls=(ToolCallDelta(0, "call_1", "f", "{}"), ToolCallDelta(1, "call_2", "f", "{}"))),
    finish="tool_calls",
    tool_calls={0: {"extra_content": CONTENT}},
)
AGAIN = {
    "chat/completions": {"messages": next_turn("call_1")},
    "responses": {
        "input": [
            {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "21"},
        ]
    },
    "messages": {
        "messages": [
            {"role": "user", "content": "Hello!"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "21"}]},
        ]
    },
}


@pytest.mark.parametrize("path", AGAIN)
async def test_signature_of_a_call_comes_back_where_its_client_has_not_kept_it(serve, fake, path):
    """Gemini refuses a turn without it, and two of the protocols have no place for it."""
    provider = FakeProvider(TWO_CALLS)
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail(judge)}, provider=provider)
    await client.chat(model="a")
    told = await client.post(f"/v1/{path}", {"model": "a", **AGAIN[path]})
    assert told.status == 200, told.json
    calls = next(message["tool_calls"] for message in provider.messages[-1] if "tool_calls" in message)
    assert [call.get("extra_content") for call in calls] == [CONTENT]


async def test_blocks_of_thinking_come_back_whole_where_their_client_has_only_a_part(serve, fake):
    """Claude refuses a turn without the encrypted ones, which Messages has as blocks of their own."""
    blocks = [{"type": "thinking", "signature": "S", "length": 5}, {"type": "redacted_thinking", "data": "E"}]
    thought = {"next_turn": {"reasoning_content": "think"}, "message": {"thinking_blocks": blocks}}
    call = Chunk(tool_calls=(ToolCallDelta(0, "call_1", "f", "{}"),))
    provider = FakeProvider(answer(Chunk(reasoning="think"), call, finish="tool_calls", unguarded=thought))
    client = serve({"a": fake()}, provider=provider)
    told = await client.post("/v1/messages", {"model": "a", "messages": [{"role": "user", "content": "Hello!"}]})
    again = AGAIN["messages"]["messages"]
    await client.post(
        "/v1/messages", {"model": "a", "messages": [again[0], {**again[1], "content": told.json["content"]}, again[2]]}
    )
    sent = provider.messages[-1][1]
    assert (sent["reasoning_content"], sent["thinking_blocks"]) == ("think", blocks)


@pytest.mark.parametrize("other", [{"call": "call_2"}, {"call": "call_1", "name": "g"}, {"call": "call_1"}])
async def test_reasoning_comes_back_beside_no_other_call(serve, fake, other):
    provider = FakeProvider(CALLED)
    client = serve({"a": fake()}, provider=provider)
    await client.chat(model="a")
    await client.chat(model="a", messages=next_turn(**{"arguments": "{}", **other}))
    assert "reasoning_content" not in provider.messages[-1][1]


async def test_reasoning_of_one_key_does_not_come_back_to_another(serve, fake, monkeypatch):
    monkeypatch.setenv("KEYS", "one,two")
    provider = FakeProvider(CALLED)
    client = serve({"a": fake()}, provider=provider, api_key_env="KEYS")
    messages = next_turn("call_1", arguments='{"a":1}')
    await client.chat(model="a", headers={"authorization": "Bearer one"})
    found = []
    for key in ("two", "one"):
        await client.chat(model="a", messages=messages, headers={"authorization": f"Bearer {key}"})
        found.append("reasoning_content" in provider.messages[-1][1])
    assert found == [False, True]


def test_what_is_kept_has_an_end_in_bytes_and_in_time():
    now = [0.0]
    kept = KeptReasoning(seconds=10, most=100, clock=lambda: now[0])
    for at in range(5):
        kept.put(b"%d" % at, {"at": at}, 40)
        now[0] += 1
    assert [bool(kept.get(b"%d" % at)) for at in range(5)] == [False, False, False, True, True]
    kept.put(b"large", {"at": 9}, 101)
    assert not kept.get(b"large")
    now[0] = 13.5
    assert [bool(kept.get(b"%d" % at)) for at in (3, 4)] == [False, True]
    kept.put(b"new", {"at": 5}, 1)
    assert kept.get(b"new")
    assert not kept.get(b"3")
    assert [kept.has(b"%d" % at) for at in range(5)] == [False, False, False, False, True]


def test_arguments_are_read_only_of_calls_that_something_is_kept_for():
    """Else every call of a long history is read and written again, with each request."""
    read = []

    class Arguments(str):
        __slots__ = ()

        def __str__(self):
            read.append(1)
            return super().__str__()

    own = KeptReasoning().of("owner", ["a"])
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": Arguments("{}")}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    assert own.put_back(messages) == messages
    assert read == []


async def test_the_clock_of_a_trace_starts_with_the_request(serve, fake):
    provider = FakeProvider([" word"] * 40, delay=0.01)
    client = serve(
        {"a": fake(output=["words"])}, rails={"words": FunctionRail(judge)}, provider=provider, playground=True
    )
    told = await client.chat(model="a", guardrails={"trace": True}, stream=True)
    traces = [event["guardrails"]["trace"] for event in told.events if "trace" in event.get("guardrails", {})]
    checks = [check for trace in traces for check in trace["checks"]]
    assert checks
    assert all(0 <= check["from"] <= check["to"] for check in checks)
    assert checks[0]["from"] >= 0.05  # by then ten words had come


values = st.recursive(
    st.text(max_size=8) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(values, st.text(alphabet="ab c@", min_size=1).filter(lambda text: " " in text or "@" in text))
def test_every_text_with_words_in_it_is_read(value, words):
    """Wherever it stands, and whatever its key claims it to be."""
    for key in ("text", "signature", "data", "id", "type", "thought_signature", "encrypted_content"):
        for place in ({key: words}, {"outer": [value, {key: [words]}]}, {words: value}):
            assert words in list(texts_of(place))
