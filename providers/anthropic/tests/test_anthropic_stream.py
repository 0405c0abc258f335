"""What an answer becomes, on asyncio and trio, against the local server."""

from __future__ import annotations

import json
import re

import anyio
import pytest
from handrail import Usage
from handrail.errors import ProviderConnectionError, ProviderError, ProviderRateLimitError, ProviderServerError
from handrail_anthropic.testing import Message, message_events
from handrail_anthropic.testing._message import named_event
from handrail_testkit import Ending, Reply, replies


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


def reasoning(chunks):
    return "".join(chunk.reasoning for chunk in chunks)


def wire(chunks):
    merged = {}
    for chunk in chunks:
        merged |= (chunk.metadata or {}).get("wire", {})
    return merged


def calls(chunks):
    found = {}
    for chunk in chunks:
        for call in chunk.tool_calls:
            known = found.setdefault(call.index, [None, None, ""])
            known[:2] = [known[0] or call.id, known[1] or call.name]
            known[2] += call.arguments
    return [(id_, name, json.loads(arguments)) for id_, name, arguments in found.values()]


async def test_text_comes_piece_by_piece_with_ids_and_usage(messages_server, make_provider, ask):
    messages_server.reply = Message(text="One two three.", usage={"input_tokens": 25})
    chunks = await ask(make_provider(messages_server.origin))
    assert [chunk.text for chunk in chunks if chunk.text] == ["One ", "two ", "three."]
    assert chunks[0].metadata["request_id"] == "req_1"
    assert chunks[0].metadata["id"] == Message().id
    assert chunks[0].metadata["model"] == "test-model"
    assert chunks[-1].usage == Usage(25, 15)
    assert chunks[-1].finish_reason == "stop"


@pytest.mark.parametrize("every", [1, 2, 7, 64])
async def test_bytes_may_be_cut_anywhere(messages_server, make_provider, ask, every):
    body = b"".join(message_events(Message(text="Grüße 🐾 \u2028 done", thinking="hm", signature="sig")))
    messages_server.reply = replies.sse(replies.cut(body, every=every))
    chunks = await ask(make_provider(messages_server.origin))
    assert (text(chunks), reasoning(chunks)) == ("Grüße 🐾 \u2028 done", "hm")


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
async def test_lines_end_in_any_way_and_comments_say_nothing(messages_server, make_provider, ask, eol):
    events = [event.replace(b"\n", eol.encode()) for event in message_events(Message())]
    messages_server.reply = replies.sse([replies.comment(), *events])
    assert text(await ask(make_provider(messages_server.origin))) == "Hello, world!"


async def test_events_and_blocks_of_unknown_types_say_nothing(messages_server, make_provider, ask):
    first, *rest = message_events(Message(text="Hello."))
    strange = [
        named_event({"type": "future_event", "anything": [1]}),
        named_event({"type": "content_block_start", "index": 9, "content_block": {"type": "future", "x": 1}}),
        named_event({"type": "content_block_delta", "index": 9, "delta": {"type": "future_delta", "text": "no"}}),
        named_event({"type": "content_block_stop", "index": 9}),
    ]
    messages_server.reply = replies.sse([first, *strange, *rest])
    assert text(await ask(make_provider(messages_server.origin))) == "Hello."


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause_turn"),
        ("something_new", "something_new"),
    ],
)
async def test_stop_reasons_are_mapped_and_passed_on_as_they_came(
    messages_server, make_provider, ask, reason, expected
):
    messages_server.reply = Message(stop_reason=reason, stop_details={"type": "refusal", "category": "cyber"})
    chunks = await ask(make_provider(messages_server.origin))
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [expected]
    assert wire(chunks)["stop_reason"] == reason
    assert wire(chunks)["stop_details"]["category"] == "cyber"


async def test_cached_tokens_are_part_of_the_prompt_and_told_apart_in_the_metadata(messages_server, make_provider, ask):
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 1000}
    messages_server.reply = Message(usage=usage)
    chunks = await ask(make_provider(messages_server.origin))
    assert chunks[-1].usage == Usage(1025, 15, cached_tokens=1000)
    details = {"prompt_tokens_details": {"cached_tokens": 1000}}
    assert wire(chunks)["usage"] == {**usage, "output_tokens": 15, **details}


async def test_tokens_of_thinking_are_told_apart(messages_server, make_provider, ask):
    messages_server.reply = Message(usage={"input_tokens": 5, "output_tokens_details": {"thinking_tokens": 9}})
    chunks = await ask(make_provider(messages_server.origin))
    assert chunks[-1].usage == Usage(5, 15, reasoning_tokens=9)
    assert wire(chunks)["usage"]["completion_tokens_details"] == {"reasoning_tokens": 9}


async def test_usage_counts_up_and_odd_values_are_nothing(messages_server, make_provider, ask):
    *events, _delta, stop = message_events(Message(usage={"input_tokens": 7}))
    usage = {"input_tokens": 0, "output_tokens": 15.0, "cache_read_input_tokens": None, "server_tool_use": None}
    events += [
        named_event({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 3}}),
        named_event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}),
        named_event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}),
        stop,
    ]
    messages_server.reply = replies.sse(events)
    chunks = await ask(make_provider(messages_server.origin))
    assert chunks[-1].usage == Usage(7, 15)
    assert sum(chunk.finish_reason is not None for chunk in chunks) == 1


# Thinking


async def test_thinking_is_reasoning_and_its_signature_goes_with_the_metadata(messages_server, make_provider, ask):
    messages_server.reply = Message(text="Yes.", thinking="Let me think.", signature="EqQB", redacted="encrypted")
    chunks = await ask(make_provider(messages_server.origin))
    assert (text(chunks), reasoning(chunks)) == ("Yes.", "Let me think.")
    assert wire(chunks)["thinking_blocks"] == [
        {"type": "thinking", "signature": "EqQB", "length": 13},
        {"type": "redacted_thinking", "data": "encrypted"},
    ]
    assert "think." not in json.dumps([chunk.metadata for chunk in chunks])


async def test_the_next_turn_can_send_thinking_back_as_it_was(messages_server, make_provider, ask):
    provider = make_provider(messages_server.origin, thinking={"type": "adaptive"})
    messages_server.will(
        Message(text="", thinking="I need the weather.", signature="EqQB", calls=[("weather", {"city": "Ústí"})])
    )
    question = {"role": "user", "content": "Weather?"}
    chunks = await ask(provider, [question])
    [(id_, name, given)] = calls(chunks)
    assistant = {
        "role": "assistant",
        "content": None,
        "reasoning_content": reasoning(chunks),
        "thinking_blocks": wire(chunks)["thinking_blocks"],
        "tool_calls": [{"id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}],
    }
    await ask(provider, [question, assistant, {"role": "tool", "tool_call_id": id_, "content": "rain"}])
    _, turn, result = messages_server.bodies[-1]["messages"]
    assert turn["content"] == [
        {"type": "thinking", "thinking": "I need the weather.", "signature": "EqQB"},
        {"type": "tool_use", "id": "toolu_00", "name": "weather", "input": {"city": "Ústí"}},
    ]
    assert result["content"] == [{"type": "tool_result", "tool_use_id": "toolu_00", "content": "rain"}]


async def test_thinking_between_two_calls_goes_back_to_its_place(messages_server, make_provider, ask):
    first = {"type": "thinking", "thinking": "One.", "signature": "sig1"}
    second = {"type": "thinking", "thinking": "Two.", "signature": "sig2"}
    uses = [{"type": "tool_use", "id": f"t{n}", "name": "find", "input": {"n": n}} for n in range(2)]
    messages_server.will(Message(text="", blocks=[first, uses[0], second, uses[1]], stop_reason="tool_use"))
    provider = make_provider(messages_server.origin)
    chunks = await ask(provider)
    beside = wire(chunks)["unguarded"]
    assert beside["next_turn"] == {"reasoning_content": "One.Two."}
    made = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for id_, name, given in calls(chunks)
    ]
    assistant = {"role": "assistant", "content": None, "tool_calls": made, **beside["message"], **beside["next_turn"]}
    results = [{"role": "tool", "tool_call_id": f"t{n}", "content": "x"} for n in range(2)]
    await ask(provider, [{"role": "user", "content": "Go"}, assistant, *results])
    assert messages_server.bodies[-1]["messages"][1]["content"] == [first, uses[0], second, uses[1]]


async def test_thinking_whose_text_is_not_shown_has_a_signature_alone(messages_server, make_provider, ask):
    messages_server.reply = Message(signature="EqQB")
    chunks = await ask(make_provider(messages_server.origin))
    assert reasoning(chunks) == ""
    assert wire(chunks)["thinking_blocks"] == [{"type": "thinking", "signature": "EqQB", "length": 0}]


# Tools


async def test_tool_calls_come_in_fragments_and_in_order(messages_server, make_provider, ask):
    messages_server.reply = Message(
        text="Let me see.", calls=[("now", {}), ("find", {"q": "é", "n": [1, None]}), ("now", {})]
    )
    chunks = await ask(make_provider(messages_server.origin))
    assert calls(chunks) == [
        ("toolu_00", "now", {}),
        ("toolu_01", "find", {"q": "é", "n": [1, None]}),
        ("toolu_02", "now", {}),
    ]
    assert chunks[-1].finish_reason == "tool_calls"
    assert sum(bool(call.arguments) for chunk in chunks for call in chunk.tool_calls if call.index == 1) == 2


async def test_arguments_may_come_with_the_beginning_of_the_block(messages_server, make_provider, ask):
    block = {"type": "tool_use", "id": "t", "name": "find", "input": {"q": 1}}
    events = message_events(Message(text="x"))
    whole = [
        named_event({"type": "content_block_start", "index": 1, "content_block": block}),
        named_event({"type": "content_block_stop", "index": 1}),
    ]
    messages_server.reply = replies.sse([*events[:-2], *whole, *events[-2:]])
    assert calls(await ask(make_provider(messages_server.origin))) == [("t", "find", {"q": 1})]


async def test_blocks_of_tools_that_the_server_runs_are_no_calls_and_are_kept_apart(
    messages_server, make_provider, ask
):
    blocks = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ]
    messages_server.will(Message(text="Found.", blocks=blocks))
    messages_server.will(replies.json_reply(Message(text="Found.", blocks=blocks).whole("m")))
    for _ in range(2):
        chunks = await ask(make_provider(messages_server.origin))
        assert (text(chunks), calls(chunks)) == ("Found.", [])
        assert wire(chunks)["unguarded"] == {"message": {"content_blocks": blocks}}


async def test_the_input_of_a_tool_that_the_server_runs_comes_in_pieces(messages_server, make_provider, ask):
    first, *rest = message_events(Message(text="Found."))
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"que', 'ry": "x"}')]
    events = [
        named_event({"type": "content_block_start", "index": 7, "content_block": block}),
        *(named_event({"type": "content_block_delta", "index": 7, "delta": piece}) for piece in pieces),
        named_event({"type": "content_block_stop", "index": 7}),
    ]
    messages_server.reply = replies.sse([first, *events, *rest])
    kept = wire(await ask(make_provider(messages_server.origin)))["unguarded"]["message"]["content_blocks"]
    assert kept == [{**block, "input": {"query": "x"}}]


@pytest.mark.parametrize(("reason", "expected"), [("tool_use", "{}"), ("end_turn", "{}"), ("max_tokens", "")])
async def test_a_call_without_arguments_has_an_empty_object_unless_it_may_have_been_cut(
    messages_server, make_provider, ask, reason, expected
):
    messages_server.reply = Message(text="", calls=[("now", {}), ("now", {})], stop_reason=reason)
    chunks = await ask(make_provider(messages_server.origin))
    said = ["", ""]
    for call in (call for chunk in chunks for call in chunk.tool_calls):
        said[call.index] += call.arguments
    assert said == ["{}", expected]


def tool_block(index, *pieces, stopped=True):
    block = {"type": "tool_use", "id": f"t{index}", "name": f"f{index}", "input": {}}
    start = {"type": "content_block_start", "index": index, "content_block": block}
    deltas = [
        {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}}
        for piece in pieces
    ]
    return [start, *deltas, *([{"type": "content_block_stop", "index": index}] if stopped else [])]


MIXED = {
    "one after the other": [*tool_block(1, '{"a"', ": 1}"), *tool_block(2, "{}")],
    "by turns": [
        event for both in zip(tool_block(1, '{"a"', ": 1}"), tool_block(2, "{", "}"), strict=True) for event in both
    ],
    "the later one first": [tool_block(1)[0], *tool_block(2, "{}"), *tool_block(1, '{"a"', ": 1}")[1:]],
    "without their ends": [*tool_block(1, '{"a"', ": 1}", stopped=False), *tool_block(2, "{}", stopped=False)],
    "the second without arguments": [*tool_block(1, '{"a": 1}'), *tool_block(2)],
    "all of one number": [{**event, "index": 1} for event in (*tool_block(1, '{"a": 1}'), *tool_block(2, "{}"))],
}


@pytest.mark.parametrize("blocks", MIXED.values(), ids=MIXED)
async def test_calls_never_mix_however_their_blocks_come(messages_server, make_provider, ask, blocks):
    events = message_events(Message(text="x", stop_reason="tool_use"))
    messages_server.reply = replies.sse([*events[:-2], *map(named_event, blocks), *events[-2:]])
    chunks = await ask(make_provider(messages_server.origin))
    assert calls(chunks) == [("t1", "f1", {"a": 1}), ("t2", "f2", {})]
    order = [call.index for chunk in chunks for call in chunk.tool_calls]
    assert order == sorted(order)


async def test_a_call_without_a_name_is_an_error(messages_server, make_provider, ask):
    messages_server.reply = Message(text="", calls=[("", {"a": 1})])
    with pytest.raises(ProviderServerError, match="a tool call without a name"):
        await ask(make_provider(messages_server.origin))


# Odd values


HALVES = b"".join(
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"%s","%s":"%s"}}\n\n' % (kind, name, half)
    for kind, name in ((b"text_delta", b"text"), (b"thinking_delta", b"thinking"))
    for half in (b"a\\ud83d", b"\\ude00")
)


async def test_characters_in_two_halves_are_joined(messages_server, make_provider, ask):
    events = message_events(Message(text="x", pieces=()))
    messages_server.reply = replies.sse([*events[:2], HALVES, *events[2:]])
    chunks = await ask(make_provider(messages_server.origin))
    assert (text(chunks), reasoning(chunks)) == ("a😀", "a😀")


async def test_halves_within_arguments_are_joined_and_a_half_alone_is_replaced(messages_server, make_provider, ask):
    block = {"type": "tool_use", "id": "t", "name": "find", "input": {}}
    delta = (
        b'data: {"type":"content_block_delta","index":5,"delta":{"type":"input_json_delta","partial_json":"%s"}}\n\n'
    )
    first, *rest = message_events(Message(text="x", stop_reason="tool_use"))
    halves = [delta % piece for piece in (b'{\\"q\\": \\"\\ud83d', b"\\ude00\\ud83d", b'.\\"}')]
    begun = named_event({"type": "content_block_start", "index": 5, "content_block": block})
    messages_server.reply = replies.sse([first, begun, *halves, *rest])
    assert calls(await ask(make_provider(messages_server.origin))) == [("t", "find", {"q": "😀\ufffd."})]


@pytest.mark.parametrize(
    "odd",
    [
        b'"score":NaN,"index":0,"delta":{"type":"text_delta","text":"Hi"}',
        b'"index":"0","delta":{"type":"text_delta","text":"Hi"}',
        b'"index":0,"delta":{"type":"text_delta","text":"Hi"},"logprob":-Infinity',
        b'"index":0,"delta":{"type":"text_delta","text":"Hi","note":"\xff"}',
    ],
)
async def test_an_odd_value_that_nobody_reads_ends_nothing(messages_server, make_provider, ask, odd):
    events = message_events(Message(text="x", pieces=()))
    messages_server.reply = replies.sse(
        [*events[:2], b'data: {"type":"content_block_delta",%s}\n\n' % odd, *events[2:]]
    )
    assert text(await ask(make_provider(messages_server.origin))) == "Hi"


@pytest.mark.parametrize(
    "sign", [b"data:\n\n", b"data: : keepalive\n\n", b"data: [DONE]\n\n", b"event: ping\ndata: {}\n\n"]
)
async def test_signs_of_life_of_other_servers_say_nothing(messages_server, make_provider, ask, sign):
    pieces = [piece for event in message_events(Message()) for piece in (sign, event)]
    messages_server.reply = replies.sse(pieces)
    assert text(await ask(make_provider(messages_server.origin))) == "Hello, world!"


async def test_citations_are_kept_apart_as_what_no_rail_has_read(messages_server, make_provider, ask):
    citation = {"type": "char_location", "cited_text": "The sky is blue.", "document_index": 0}
    events = message_events(Message(text="Blue."))
    cited = named_event(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": citation}}
    )
    messages_server.reply = replies.sse([*events[:-3], cited, *events[-3:]])
    assert wire(await ask(make_provider(messages_server.origin)))["unguarded"] == {"message": {"citations": [citation]}}


# Other servers


async def test_an_answer_in_one_piece_is_understood(messages_server, make_provider, ask):
    whole = Message(text="Hello.", thinking="hm", signature="sig", calls=[("now", {})]).whole("m")
    messages_server.reply = replies.json_reply(whole)
    chunks = await ask(make_provider(messages_server.origin))
    assert (text(chunks), reasoning(chunks), calls(chunks)) == ("Hello.", "hm", [("toolu_00", "now", {})])
    assert chunks[-1].finish_reason == "tool_calls"
    assert chunks[-1].usage == Usage(25, 15)


async def test_an_answer_whose_reason_is_told_may_end_without_the_last_event(messages_server, make_provider, ask):
    messages_server.reply = replies.sse(message_events(Message())[:-1])
    assert text(await ask(make_provider(messages_server.origin))) == "Hello, world!"


async def test_what_a_body_is_shows_in_its_bytes(messages_server, make_provider, ask):
    """Some servers say that a stream is JSON, or that JSON is a stream; or leave the last blank line out."""
    *events, last, _ = message_events(Message())
    whole = json.dumps(Message().whole("m")).encode()
    for steps, kind in (
        ([*events, last], "application/json"),
        ([*events, last.rstrip()], "text/event-stream"),
        ([whole], "text/event-stream"),
    ):
        messages_server.reply = Reply(tuple(steps), headers={"content-type": kind})
        assert text(await ask(make_provider(messages_server.origin))) == "Hello, world!"


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_an_error_with_success_is_told_whatever_the_body_is_called(messages_server, make_provider, ask, kind):
    error = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}}'
    messages_server.reply = Reply((error,), headers={"content-type": kind})
    with pytest.raises(ProviderRateLimitError, match="Slow down."):
        await ask(make_provider(messages_server.origin))


async def test_a_delta_without_a_type_says_what_it_has(messages_server, make_provider, ask):
    """As gateways write it that translate from another protocol."""
    message = Message(text="Hello.", thinking="hm", signature="sig", calls=[("now", {"a": 1})])
    untyped = [
        re.sub(rb'("delta": ?\{)"type": ?"[a-z_]+_delta", ?', rb"\1", event) for event in message_events(message)
    ]
    assert untyped != message_events(message)
    messages_server.reply = replies.sse(untyped)
    chunks = await ask(make_provider(messages_server.origin))
    assert (text(chunks), reasoning(chunks), calls(chunks)) == ("Hello.", "hm", [("toolu_00", "now", {"a": 1})])


async def test_a_delta_of_an_unknown_type_is_told_as_lost(messages_server, make_provider, ask):
    events = message_events(Message())
    strange = named_event({"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "text": "x"}})
    messages_server.reply = replies.sse([*events[:-3], strange, strange, *events[-3:]])
    chunks = await ask(make_provider(messages_server.origin))
    assert (text(chunks), wire(chunks)["lost"]) == ("Hello, world!", ["new_delta"])


@pytest.mark.parametrize("reason", [None, "", "null"])
async def test_an_answer_without_a_reason_is_not_complete(messages_server, make_provider, ask, reason):
    *events, _, last = message_events(Message())
    untold = named_event({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 1}})
    messages_server.reply = replies.sse([*events, untold, last])
    with pytest.raises(ProviderConnectionError, match="without saying that it is complete"):
        await ask(make_provider(messages_server.origin))


@pytest.mark.parametrize("more", [{"content": [], "stop_reason": None}, {"content": [{"type": "text", "text": ""}]}])
async def test_an_answer_in_one_piece_that_says_nothing_is_an_error(messages_server, make_provider, ask, more):
    messages_server.reply = replies.json_reply({**Message().whole("m"), "stop_reason": None, **more})
    with pytest.raises(ProviderServerError, match="says nothing"):
        await ask(make_provider(messages_server.origin))


async def test_a_connection_that_stays_open_after_the_end_is_not_waited_for(messages_server, make_provider, ask):
    messages_server.reply = replies.sse([*message_events(Message()), Ending.HANG])
    with anyio.fail_after(300):
        assert text(await ask(make_provider(messages_server.origin))) == "Hello, world!"


async def test_connections_are_kept_between_answers(messages_server, make_provider, ask):
    provider = make_provider(messages_server.origin)
    for _ in range(3):
        await ask(provider)
    assert messages_server.connections == 1


# Leaving


async def test_leaving_between_two_events_stops_the_server_at_once(messages_server, make_provider):
    messages_server.reply = replies.sse([*message_events(Message(text="a b c"))[:4], Ending.HANG])
    provider = make_provider(messages_server.origin)
    with anyio.fail_after(300):
        stream = provider.stream([{"role": "user", "content": "Hello"}], {})
        while not (await anext(stream)).text:
            pass
        await stream.aclose()
        assert await anyio.to_thread.run_sync(messages_server.requests[0].closed.wait, 300)


async def test_cancelling_while_an_event_is_awaited_stops_the_server_at_once(messages_server, make_provider, ask):
    messages_server.reply = replies.sse([*message_events(Message(text="a b c"))[:4], Ending.HANG])
    provider = make_provider(messages_server.origin)
    with anyio.fail_after(300):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, provider)
            await anyio.to_thread.run_sync(messages_server.wait_for_requests, 1)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(messages_server.requests[0].closed.wait, 300)


@pytest.mark.parametrize(
    "body", [b"not json", b"[1]", b'{"no": "type"}', b'"text"', b'{"type": "message_start", "message": "\xff"}']
)
async def test_what_is_not_an_event_is_an_error_that_quotes_nothing(messages_server, make_provider, ask, body):
    messages_server.reply = replies.sse([message_events(Message())[0], b"data: " + body + b"\n\n"])
    with pytest.raises(ProviderServerError, match="sent what is not an event of an answer") as caught:
        await ask(make_provider(messages_server.origin))
    assert body.decode("utf-8", "replace") not in str(caught.value)
    assert isinstance(caught.value, ProviderError)
