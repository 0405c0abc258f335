"""What a server sends arrives as chunks, complete and in order, however its bytes are cut."""

from __future__ import annotations

import json
from itertools import pairwise

import openai
import pytest
from handrail import ToolCall, Usage, request_id
from handrail.errors import (
    ProviderConnectionError,
    ProviderContextLengthError,
    ProviderRateLimitError,
    ProviderServerError,
)
from handrail_http import ErrorEvent
from handrail_openai._answer import Answer
from handrail_openai._think import ThinkSplitter
from handrail_openai.testing import ModelResponse, response_events
from handrail_testkit import Completion, Reply, replies
from hypothesis import given
from hypothesis import strategies as st

HELLO = ({"role": "user", "content": "Hello"},)
WEATHER = ToolCall("call_1", "weather", '{"place": "Zürich", "days": 3}')
TIME = ToolCall("call_2", "time", "{}")
RICH = Completion(
    pieces=("Grüße ", "aus ", "", "東京 ", "🙂", "!"),
    reasoning=("Let me ", "think."),
    tool_calls=(WEATHER, TIME),
    usage=Usage(21, 34),
)


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


def reasoning(chunks):
    return "".join(chunk.reasoning for chunk in chunks)


def calls(chunks):
    found = {}
    for delta in (delta for chunk in chunks for delta in chunk.tool_calls):
        call = found.setdefault(delta.index, [None, None, ""])
        call[0] = call[0] or delta.id
        call[1] = call[1] or delta.name
        call[2] += delta.arguments
    return tuple(ToolCall(*call) for call in found.values())


def facts(chunks):
    reasons = [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    return text(chunks), reasoning(chunks), calls(chunks), reasons, usages


WHOLE = ("Grüße aus 東京 🙂!", "Let me think.", (WEATHER, TIME), ["tool_calls"], [Usage(21, 34)])


async def test_text_reasoning_calls_usage_and_finish_reason_arrive(protocol_server, make_provider, ask):
    protocol_server.will(RICH)
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_each_chunk_of_the_server_that_comes_alone_is_a_chunk(protocol_server, make_provider, ask):
    chunks = await ask(make_provider(protocol_server.base_url))
    assert [chunk.text for chunk in chunks if chunk.text] == ["Hello", ",", " world", "!"]


DELTAS = (
    *({"content": text} for text in ("Hi", " 東", '"\n', "\\", "", "🙂")),
    *({"reasoning_content": text} for text in ("Hm", " hm")),
    {"content": "x", "reasoning_content": "y"},
    {"content": "a", "annotations": [{"title": "t"}]},
    {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
)


@given(
    deltas=st.lists(st.sampled_from(DELTAS), max_size=12),
    cuts=st.sets(st.integers(1, 12)),
    thinks=st.booleans(),
    fails=st.booleans(),
)
def test_an_answer_is_the_same_however_many_of_its_events_come_together(deltas, cuts, thinks, fails):
    last = (
        [b'data: {"error": {"message": "no"}}\n\n']
        if fails
        else replies.stream(Completion((), usage=Usage(1, 2)), "m")[-2:]
    )
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choices = ([{"index": 0, "delta": delta, "finish_reason": None}] for delta in ({"role": "assistant"}, *deltas))
    events = [*(b"data: %b\n\n" % json.dumps({**head, "choices": choice}).encode() for choice in choices), *last]

    def read(places):
        answer = Answer({}, {}, think=ThinkSplitter() if thinks else None)
        chunks, error = [], None
        edges = [0, *sorted(places), len(events)]
        try:
            for start, end in pairwise(edges):
                chunks += answer.read(b"".join(events[start:end]))
            chunks += answer.end()
        except ErrorEvent as exc:
            error = exc.error
        metadata = [chunk.metadata for chunk in chunks if chunk.metadata]
        return facts(chunks), metadata, error

    assert read({place for place in cuts if place < len(events)}) == read(range(1, len(events)))


def test_text_that_comes_together_is_one_chunk():
    events = replies.stream(Completion(("a", "b", "c", "d", "e")), "m")
    answer = Answer({}, {})
    blocks = b"".join(events[:3]), b"".join(events[3:6])
    texts = [[chunk.text for chunk in answer.read(block) if chunk.text] for block in blocks]
    assert texts == [["a", "b"], ["cde"]]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_official_client_and_the_provider_see_the_same(protocol_server, make_provider, ask, key):
    """On asyncio alone: the SDK's own stream leaves generators unfinished, of which trio complains."""
    protocol_server.default = RICH
    ours = facts(await ask(make_provider(protocol_server.base_url)))
    theirs = {"text": "", "reasoning": "", "calls": {}, "reasons": [], "usages": []}
    async with openai.AsyncOpenAI(api_key=key, base_url=protocol_server.base_url) as client:
        stream = await client.chat.completions.create(
            model="test-model", messages=list(HELLO), stream=True, stream_options={"include_usage": True}
        )
        async with stream:
            async for chunk in stream:
                read(chunk, theirs)
    called = tuple(ToolCall(*call) for call in theirs["calls"].values())
    assert ours == (theirs["text"], theirs["reasoning"], called, theirs["reasons"], theirs["usages"])
    assert ours == WHOLE


def read(chunk, into):
    if chunk.usage is not None:
        into["usages"].append(Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens))
    for choice in chunk.choices:
        into["text"] += choice.delta.content or ""
        into["reasoning"] += getattr(choice.delta, "reasoning_content", None) or ""
        into["reasons"] += [choice.finish_reason] if choice.finish_reason else []
        for call in choice.delta.tool_calls or ():
            known = into["calls"].setdefault(call.index, [call.id, call.function.name, ""])
            known[2] += call.function.arguments or ""


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("every", [1, 2, 3, 7, 100])
async def test_bytes_may_be_cut_anywhere(protocol_server, make_provider, ask, every, eol):
    """Also within a character, within an event, and between the two characters of a line's end."""
    body = b"".join(replies.stream(RICH, eol=eol))
    protocol_server.will(replies.sse(replies.cut(body, every=every), burst=True))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


@pytest.mark.parametrize("seed", range(20))
async def test_bytes_may_be_cut_at_random(protocol_server, make_provider, ask, seed):
    protocol_server.will(replies.sse(replies.cut(b"".join(replies.stream(RICH)), seed=seed)))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_many_events_may_come_in_one_piece(protocol_server, make_provider, ask):
    protocol_server.will(replies.sse([b"".join(replies.stream(RICH))]))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_comments_between_and_before_events_are_skipped(protocol_server, make_provider, ask):
    events = replies.stream(RICH)
    pieces = [replies.comment("OPENROUTER PROCESSING")]
    for event in events:
        pieces += [event, replies.comment()]
    protocol_server.will(replies.sse(pieces))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_the_end_of_the_body_may_stand_for_done(protocol_server, make_provider, ask):
    protocol_server.will(replies.sse(replies.stream(RICH, done=False)))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_a_body_may_end_with_its_connection(protocol_server, make_provider, ask):
    protocol_server.will(replies.sse(replies.stream(RICH), framing="close"))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_the_dialect_of_transformers_serve_is_understood(protocol_server, make_provider, ask):
    """No `[DONE]`, no finish reason that is null, and usage beside the last finish reason."""
    head = {"id": "9065acc2", "created": 1795370441, "model": "m@main", "object": "chat.completion.chunk"}
    last = {"delta": {}, "index": 0, "finish_reason": "length"}
    usage = {"completion_tokens": 2, "prompt_tokens": 5, "total_tokens": 7}
    deltas = ({"role": "assistant"}, {"content": "I"}, {"content": " am"})
    events = [{**head, "choices": [{"delta": delta, "index": 0}]} for delta in deltas]
    events.append({**head, "choices": [last], "usage": usage})
    protocol_server.will(replies.sse(map(replies.event, events)))
    chunks = await ask(make_provider(protocol_server.base_url))
    assert facts(chunks) == ("I am", "", (), ["length"], [Usage(5, 2)])


async def test_the_other_field_for_reasoning_is_read(protocol_server, make_provider, ask):
    protocol_server.will(Completion(reasoning=("a", "b"), reasoning_field="reasoning"))
    assert reasoning(await ask(make_provider(protocol_server.base_url))) == "ab"


async def test_reasoning_under_both_names_is_taken_once(protocol_server, make_provider, ask):
    delta = {"reasoning": "once", "reasoning_content": "once"}
    protocol_server.will(stream_of(delta, {"content": "x"}))
    assert reasoning(await ask(make_provider(protocol_server.base_url))) == "once"


async def test_a_refusal_is_text_and_marked(protocol_server, make_provider, ask):
    """It is what the user is shown, so it must pass the rails like any text."""
    protocol_server.will(Completion(refusal=("I'm sorry, ", "no.")))
    chunks = await ask(make_provider(protocol_server.base_url))
    assert text(chunks) == "I'm sorry, no."
    assert [chunk.metadata["refusal"] for chunk in chunks if "refusal" in (chunk.metadata or {})] == [True]


async def test_content_in_parts_is_read(protocol_server, make_provider, ask):
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Yes."}]
    protocol_server.will(stream_of({"content": parts}))
    chunks = await ask(make_provider(protocol_server.base_url))
    assert (text(chunks), reasoning(chunks)) == ("Yes.", "hm")


async def test_the_first_chunk_names_request_and_model(protocol_server, make_provider, ask):
    first, *rest = await ask(make_provider(protocol_server.base_url))
    assert {**first.metadata, "wire": None} == {
        "request_id": "req_1",
        "id": "chatcmpl-0123456789",
        "model": "test-model",
        "wire": None,
    }
    later = [chunk.metadata for chunk in rest if chunk.metadata]
    assert [metadata["wire"].keys() - first.metadata["wire"].keys() for metadata in later] == [{"usage"}]


async def test_empty_content_ends_nothing(protocol_server, make_provider, ask):
    protocol_server.will(Completion(pieces=("", "a", "", "", "b", "")))
    assert text(await ask(make_provider(protocol_server.base_url))) == "ab"


async def test_a_filtered_answer_says_so(protocol_server, make_provider, ask):
    protocol_server.will(Completion(pieces=("Once",), finish_reason="content_filter"))
    chunks = await ask(make_provider(protocol_server.base_url))
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["content_filter"]


async def test_a_server_that_does_not_stream_is_understood(protocol_server, make_provider, ask):
    protocol_server.will(replies.json_reply(RICH.whole("test-model")))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


@pytest.mark.parametrize("kind", ["text/json", "application/vnd.api+json; charset=utf-8"])
async def test_json_of_any_name_is_an_answer_in_one_piece(protocol_server, make_provider, ask, kind):
    protocol_server.will(replies.json_reply(RICH.whole("test-model"), headers={"content-type": kind}))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_what_a_body_is_shows_in_its_bytes(protocol_server, responses_server, make_provider, ask, api):
    """Some servers say that a stream is JSON, or that JSON is a stream; or leave the last blank line out."""
    server = protocol_server if api == "chat" else responses_server
    answer = Completion() if api == "chat" else ModelResponse()
    events_of = replies.stream if api == "chat" else response_events
    *events, last = [event for event in events_of(answer, "m") if b"[DONE]" not in event]
    for steps, kind in (
        ([*events, last], "application/json"),
        ([b"\xef\xbb\xbf", *events, last], "application/json"),
        ([*events, last.rstrip()], "text/event-stream"),
        ([json.dumps(answer.whole("m")).encode()], "text/event-stream"),
        ([b"\xef\xbb\xbf" + json.dumps(answer.whole("m")).encode()], "application/json"),
    ):
        server.will(Reply(tuple(steps), headers={"content-type": kind}))
        assert text(await ask(make_provider(server.base_url, api=api))) == "Hello, world!"


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize(
    "form", ['{"error": %s}', '[{"error": %s}]', '{"code": 429, "msg": "Slow down.", "error": null}']
)
async def test_an_error_with_success_is_told_whatever_the_body_is_called(
    protocol_server, make_provider, ask, kind, form
):
    error = form.replace("%s", '{"code": 429, "message": "Slow down."}')
    protocol_server.will(Reply((error.encode(),), headers={"content-type": kind}))
    with pytest.raises(ProviderRateLimitError, match="Slow down."):
        await ask(make_provider(protocol_server.base_url))


async def test_a_last_event_that_was_cut_ends_no_answer(protocol_server, make_provider, ask):
    *events, last = replies.stream(Completion(), include_usage=False)[:-1]
    for end in range(1, len(last.rstrip()), 7):
        protocol_server.will(replies.sse([*events, last[:end]], burst=True))
        with pytest.raises(ProviderConnectionError, match="without saying that it is complete"):
            await ask(make_provider(protocol_server.base_url))


NOTHING = {
    "no choices": {"id": "1", "object": "chat.completion", "choices": []},
    "null for choices": {"id": "1", "object": "chat.completion", "choices": None},
    "usage alone": {"id": "1", "usage": {"prompt_tokens": 1, "completion_tokens": 0}},
    "an empty message": {"choices": [{"message": {"role": "assistant", "content": None}, "finish_reason": None}]},
}


@pytest.mark.parametrize("payload", NOTHING.values(), ids=NOTHING)
async def test_an_answer_in_one_piece_that_says_nothing_is_an_error(protocol_server, make_provider, ask, payload):
    protocol_server.will(replies.json_reply(payload))
    with pytest.raises(ProviderServerError, match="says nothing"):
        await ask(make_provider(protocol_server.base_url))


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_an_empty_body_is_no_answer(protocol_server, responses_server, make_provider, ask, api):
    server = protocol_server if api == "chat" else responses_server
    server.will(Reply((b"",), headers={"content-type": "application/json"}, framing="length"))
    with pytest.raises(ProviderServerError, match="says nothing"):
        await ask(make_provider(server.base_url, api=api))


async def test_chunks_without_choices_may_carry_what_azure_sends(protocol_server, make_provider, ask):
    prompt = replies.event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "id": ""})
    protocol_server.will(replies.sse([prompt, *replies.stream(RICH)]))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


@pytest.mark.parametrize("streamed", [True, False])
async def test_text_in_the_form_before_chat_completions_is_read(protocol_server, make_provider, ask, streamed):
    def answer(text, reason):
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}

    pieces = [answer("Hello ", None), answer("there.", None), answer("", "stop")]
    whole = replies.json_reply(answer("Hello there.", "stop"))
    protocol_server.will(replies.sse([*map(replies.event, pieces), replies.DONE]) if streamed else whole)
    chunks = await ask(make_provider(protocol_server.base_url))
    assert text(chunks) == "Hello there."


async def test_a_stream_that_breaks_off_with_an_error_without_a_field_tells_it(protocol_server, make_provider, ask):
    error = b'{"error": {"message": "too long", "code": "context_length_exceeded"}}\n\n'
    begun = replies.event({"choices": [{"index": 0, "delta": {"content": "Hi"}}]})
    protocol_server.will(replies.sse([begun, error]))
    with pytest.raises(ProviderContextLengthError):
        await ask(make_provider(protocol_server.base_url))


async def test_usage_may_come_with_every_chunk(protocol_server, make_provider, ask):
    protocol_server.will(
        stream_of({"content": "a"}, {"content": "b"}, usage={"prompt_tokens": 3, "completion_tokens": 2})
    )
    chunks = await ask(make_provider(protocol_server.base_url))
    assert (text(chunks), chunks[-1].usage) == ("ab", Usage(3, 2))


async def test_usage_is_asked_for_unless_switched_off(protocol_server, make_provider, ask):
    await ask(make_provider(protocol_server.base_url))
    await ask(make_provider(protocol_server.base_url, stream_usage=False))
    asked, not_asked = (request.json for request in protocol_server.requests)
    assert asked["stream_options"] == {"include_usage": True}
    assert "stream_options" not in not_asked


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_a_think_block_is_reasoning_if_the_configuration_says_so(protocol_server, make_provider, ask, size):
    whole = "\n<think>Two and two.</think>Four. A <think> here is text."
    pieces = tuple(whole[at : at + size] for at in range(0, len(whole), size))
    protocol_server.will(Completion(pieces=pieces), Completion(pieces=pieces))
    told = await ask(make_provider(protocol_server.base_url, think_block=True))
    untold = await ask(make_provider(protocol_server.base_url))
    assert (text(told), reasoning(told)) == ("Four. A <think> here is text.", "Two and two.")
    assert (text(untold), reasoning(untold)) == (whole, "")


async def test_a_think_block_that_the_prompt_has_opened_is_reasoning(protocol_server, make_provider, ask):
    protocol_server.will(Completion(pieces=("Two and two.</th", "ink>Four.")))
    chunks = await ask(make_provider(protocol_server.base_url, think_block="opened"))
    assert (text(chunks), reasoning(chunks)) == ("Four.", "Two and two.")


async def test_text_that_only_begins_like_a_tag_is_not_lost(protocol_server, make_provider, ask):
    protocol_server.will(Completion(pieces=("<th",)))
    assert text(await ask(make_provider(protocol_server.base_url, think_block=True))) == "<th"


async def test_tool_calls_of_servers_that_number_in_their_own_way_are_told_apart(protocol_server, make_provider, ask):
    """Without an index; all with index 0; id and name again in each fragment; without an id."""
    first = {"id": "a", "function": {"name": "f", "arguments": "{"}}
    second = {"id": "b", "function": {"name": "g", "arguments": "{}"}}
    rest = {"id": "a", "function": {"name": "f", "arguments": "}"}}
    for number in ({}, {"index": 0}):
        deltas = [{"tool_calls": [{**number, **fragment}]} for fragment in (first, rest, second)]
        protocol_server.will(stream_of(*deltas))
        assert calls(await ask(make_provider(protocol_server.base_url))) == (
            ToolCall("a", "f", "{}"),
            ToolCall("b", "g", "{}"),
        )
    nameless = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    protocol_server.will(stream_of({"tool_calls": [nameless]}))
    (call,) = calls(await ask(make_provider(protocol_server.base_url)))
    assert call == ToolCall("call_x_0", "f", "{}")


async def test_parameters_of_call_and_configuration_reach_the_server(protocol_server, make_provider, ask):
    provider = make_provider(
        protocol_server.base_url, temperature=0.2, top_k=5, extra_body={"chat_template_kwargs": {"thinking": False}}
    )
    await ask(provider, temperature=0.9, stop=["END"], max_tokens=50)
    body = protocol_server.requests[0].json
    assert body == {
        "model": "test-model",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.9,
        "top_k": 5,
        "chat_template_kwargs": {"thinking": False},
        "stop": ["END"],
        "max_tokens": 50,
    }


async def test_messages_are_sent_as_they_came(protocol_server, make_provider, ask):
    """With every field of theirs, in order; only an assistant's content is there even if it is none."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    messages = [
        {"role": "user", "content": [part, {"type": "image_url", "image_url": {"url": "data:"}}, part]},
        {"role": "assistant", "content": None, "tool_calls": [{**call, "extra_content": {"google": {"s": "x"}}}]},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "assistant", "content": None, "refusal": "No.", "audio": {"id": "1"}},
        {"role": "tool", "tool_call_id": "c", "content": [part]},
    ]
    await ask(make_provider(protocol_server.base_url), messages)
    messages[2] = {**messages[2], "content": None}
    assert protocol_server.requests[0].json["messages"] == messages


@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b'data: "[DONE]"\n\n', b"data:[DONE] \n\n"])
async def test_done_in_any_form_is_the_end_of_an_answer_that_has_ended(protocol_server, make_provider, ask, done):
    protocol_server.will(replies.sse([*replies.stream(RICH, done=False), done, b"data: no more\n\n"]))
    assert facts(await ask(make_provider(protocol_server.base_url))) == WHOLE


async def test_parameters_can_be_kept_from_the_server(protocol_server, make_provider, ask):
    await ask(make_provider(protocol_server.base_url, drop_params=["temperature"]), temperature=0.001, seed=1)
    body = protocol_server.requests[0].json
    assert "temperature" not in body
    assert body["seed"] == 1


async def test_headers_query_and_organisation_are_sent(protocol_server, make_provider, ask):
    provider = make_provider(
        protocol_server.base_url,
        headers={"X-Team": "blue"},
        query={"region": "eu"},
        organization="org-1",
        project="proj-1",
    )
    await ask(provider)
    (request,) = protocol_server.requests
    assert request.headers["x-team"] == "blue"
    assert request.headers["openai-organization"] == "org-1"
    assert request.headers["openai-project"] == "proj-1"
    assert request.path == "/v1/chat/completions?region=eu"


@pytest.mark.parametrize(
    ("given", "sent"), [("req-7", "req-7"), (None, None), ("two\nlines", None), ("ünsound", None), ("x" * 513, None)]
)
async def test_the_id_of_the_program_s_request_is_sent_along(protocol_server, make_provider, ask, given, sent):
    token = request_id.set(given)
    await ask(make_provider(protocol_server.base_url))
    request_id.reset(token)
    assert protocol_server.requests[0].headers.get("x-client-request-id") == sent


def stream_of(*deltas, usage=None):
    events = [
        {"id": "x", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": usage}
        for delta in deltas
    ]
    events.append({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    assert json.dumps(events)
    return replies.sse([*map(replies.event, events), replies.DONE])
