"""What an answer of the Responses API becomes, complete and in order, however its bytes are cut."""

from __future__ import annotations

import json

import openai
import pytest
from handrail import ToolCall, Usage
from handrail.errors import ProviderError
from handrail_openai.testing import ModelResponse, response_events
from handrail_openai.testing._response import named_event
from handrail_testkit import replies

WEATHER = ToolCall("call_1", "weather", '{"place": "Zürich", "days": 3}')
SHELL = ToolCall("call_2", "shell", "ls -l\n| wc", "custom")
NOW = ToolCall("call_3", "now", "{}")
USAGE = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 32},
    "output_tokens": 87,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 123,
}
RICH = ModelResponse(
    text="Grüße aus 東京 🙂!",
    summaries=("Let me think.", "Now 🙂 I know."),
    encrypted="gAAAAABsealed==",
    calls=(WEATHER, SHELL, NOW),
    usage=USAGE,
)
THOUGHT = "Let me think.\n\nNow 🙂 I know."


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


def reasoning(chunks):
    return "".join(chunk.reasoning for chunk in chunks)


def calls(chunks):
    found = {}
    for delta in (delta for chunk in chunks for delta in chunk.tool_calls):
        call = found.setdefault(delta.index, [delta.id, delta.name, "", delta.kind])
        call[2] += delta.arguments
    return tuple(ToolCall(*call) for call in found.values())


def reasons(chunks):
    return [chunk.finish_reason for chunk in chunks if chunk.finish_reason]


def wire(chunks):
    merged = {}
    for chunk in chunks:
        merged |= (chunk.metadata or {}).get("wire", {})
    return merged


def facts(chunks):
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    return text(chunks), reasoning(chunks), calls(chunks), reasons(chunks), usages


WHOLE = (RICH.text, THOUGHT, (WEATHER, SHELL, NOW), ["tool_calls"], [Usage(36, 87, False, 32, 64)])


@pytest.fixture
def provider(responses_server, make_provider):
    return make_provider(responses_server.base_url, api="responses")


async def test_text_reasoning_calls_usage_and_reason_arrive(responses_server, provider, ask):
    responses_server.will(RICH)
    assert facts(await ask(provider)) == WHOLE


async def test_each_delta_of_the_server_is_a_chunk(responses_server, provider, ask):
    responses_server.will(ModelResponse(pieces=("Hello", ",", " world", "!")))
    chunks = await ask(provider)
    assert [chunk.text for chunk in chunks if chunk.text] == ["Hello", ",", " world", "!"]
    assert reasons(chunks) == ["stop"]


async def test_ids_come_first_and_the_metadata_says_which_interface_it_was(responses_server, provider, ask):
    chunks = await ask(provider)
    assert chunks[0].metadata["request_id"] == "req_1"
    assert (chunks[0].metadata["id"], chunks[0].metadata["model"]) == (ModelResponse().id, "test-model")
    assert wire(chunks)["api"] == "responses"
    assert wire(chunks)["created"] == 1741290958


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_official_client_and_the_provider_see_the_same(responses_server, provider, ask, key):
    """On asyncio alone: the SDK's own stream leaves generators unfinished, of which trio complains."""
    responses_server.reply = RICH
    ours = await ask(provider)
    said, thought, order = "", "", []
    async with (
        openai.AsyncOpenAI(api_key=key, base_url=responses_server.base_url) as client,
        client.responses.stream(model="test-model", input="Hello") as stream,
    ):
        async for event in stream:
            order.append(event.sequence_number)
            said += event.delta if event.type == "response.output_text.delta" else ""
            thought += event.delta if event.type == "response.reasoning_summary_text.delta" else ""
        final = await stream.get_final_response()
    theirs = [
        ToolCall(item.call_id, item.name, item.arguments)
        if item.type == "function_call"
        else ToolCall(item.call_id, item.name, item.input, "custom")
        for item in final.output
        if item.type in ("function_call", "custom_tool_call")
    ]
    assert (text(ours), calls(ours)) == (said, tuple(theirs)) == (final.output_text, WHOLE[2])
    assert thought == reasoning(ours).replace("\n\n", "")
    assert order == sorted(set(order))
    usage = final.usage
    assert ours[-2].usage == Usage(usage.input_tokens, usage.output_tokens, False, 32, 64)


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("every", [1, 3, 7, 100])
async def test_bytes_may_be_cut_anywhere(responses_server, provider, ask, every, eol):
    body = b"".join(response_events(RICH)).replace(b"\n", eol.encode())
    responses_server.will(replies.sse(replies.cut(body, every=every), burst=True))
    assert facts(await ask(provider)) == WHOLE


async def test_comments_pings_and_events_of_unknown_types_say_nothing(responses_server, provider, ask):
    pieces = [replies.comment()]
    for event in response_events(RICH):
        pieces += [event, replies.comment(), named_event({"type": "keepalive", "sequence_number": 3})]
        pieces.append(named_event({"type": "response.future.thing", "output_index": 0, "delta": "no"}))
    responses_server.will(replies.sse(pieces))
    assert facts(await ask(provider)) == WHOLE


async def test_done_may_follow_and_nothing_after_the_end_is_read(responses_server, provider, ask):
    late = named_event({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "late"})
    responses_server.will(replies.sse([*response_events(RICH), late, replies.DONE], burst=True))
    assert facts(await ask(provider)) == WHOLE


async def test_an_answer_in_one_piece_says_the_same(responses_server, provider, ask):
    responses_server.will(replies.json_reply(RICH.whole("test-model")))
    assert facts(await ask(provider)) == WHOLE


async def test_what_comes_only_with_the_end_of_its_item_is_read(responses_server, provider, ask):
    """Some servers send no deltas for parts that are short."""
    deltas = b'.delta"'
    events = [event for event in response_events(RICH) if deltas not in event]
    responses_server.will(replies.sse(events))
    assert facts(await ask(provider)) == WHOLE


async def test_a_kind_of_item_that_comes_only_with_the_end_of_the_answer_is_read(responses_server, provider, ask):
    first, *events, last = response_events(RICH)
    told = [event for event in events if b'"reasoning"' in event or b"reasoning_summary" in event]
    responses_server.will(replies.sse([first, *told, last]))
    assert facts(await ask(provider)) == WHOLE


@pytest.mark.parametrize("content", ["Hi", [{"type": "text", "text": "Hi"}]])
async def test_a_message_may_have_its_content_as_text(responses_server, provider, ask, content):
    item = {"type": "message", "id": "m", "role": "assistant", "content": content}
    responses_server.will(replies.json_reply({**ModelResponse().whole("m"), "output": [item]}))
    assert facts(await ask(provider))[0] == "Hi"


async def test_what_comes_only_with_the_end_of_the_answer_is_read(responses_server, provider, ask):
    first, *_, last = response_events(RICH)
    responses_server.will(replies.sse([first, last]))
    assert facts(await ask(provider)) == WHOLE


async def test_items_that_were_streamed_are_not_read_again_where_the_last_output_leaves_some_out(
    responses_server, provider, ask
):
    *events, _last = response_events(RICH)
    shorter = RICH.whole("test-model")
    shorter["output"] = shorter["output"][1:]
    last = named_event({"type": "response.completed", "response": shorter, "sequence_number": 99})
    responses_server.will(replies.sse([*events, last]))
    assert facts(await ask(provider)) == WHOLE


@pytest.mark.parametrize(("spoken", "final"), [(1, 0), (0, 1)])
async def test_a_text_that_came_is_not_read_again_where_the_last_output_counts_its_items_otherwise(
    responses_server, provider, ask, spoken, final
):
    reasoning = {"type": "reasoning", "summary": []}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": reasoning},
        {"type": "response.output_text.delta", "output_index": spoken, "content_index": 0, "delta": "Hello"},
        {"type": "response.completed", "response": {"status": "completed", "output": [reasoning] * final + [message]}},
    ]
    responses_server.will(replies.sse(list(map(named_event, events))))
    assert text(await ask(provider)) == "Hello"


async def test_characters_in_two_halves_are_joined(responses_server, provider, ask):
    *head, _delta, done, part, item, last = response_events(ModelResponse(text="🙂", pieces=("🙂",)))
    raw = (
        b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\\ud83d"}\n\n'
        b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\\ude42"}\n\n'
    )
    responses_server.will(replies.sse([*head, raw, done, part, item, last]))
    assert text(await ask(provider)) == "🙂"


async def test_a_refusal_is_text_that_is_announced(responses_server, provider, ask):
    responses_server.will(ModelResponse(text="", refusal="I can't help with that."))
    chunks = await ask(provider)
    first = next(at for at, chunk in enumerate(chunks) if chunk.text)
    assert text(chunks) == "I can't help with that."
    assert any((chunk.metadata or {}).get("refusal") for chunk in chunks[:first])
    assert wire(chunks)["refusal"] is True


async def test_reasoning_of_open_models_is_reasoning(responses_server, provider, ask):
    responses_server.will(ModelResponse(thoughts=("First this.", "Then that.")))
    assert reasoning(await ask(provider)) == "First this.\n\nThen that."


async def test_two_messages_are_two_paragraphs(responses_server, provider, ask):
    content = {"type": "output_text", "text": "I look it up.", "annotations": []}
    note = {"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "phase": "commentary"}
    responses_server.will(
        ModelResponse(text="It rains.", pieces=("It ", "rains."), items=[{**note, "content": [content]}])
    )
    chunks = await ask(provider)
    assert text(chunks).endswith("\n\nIt rains.")
    assert "phase" not in wire(chunks).get("unguarded", {}).get("message", {})


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("max_messages", "max_messages")],
)
async def test_an_answer_that_was_cut_says_why(responses_server, provider, ask, reason, expected):
    responses_server.will(ModelResponse(reason=reason))
    chunks = await ask(provider)
    assert reasons(chunks) == [expected]
    assert wire(chunks)["incomplete_details"] == {"reason": reason}


async def test_an_answer_that_was_cut_says_so_whatever_its_last_event_is_called(responses_server, provider, ask):
    """As vLLM 0.32 ends it: `response.completed`, with a response that is incomplete."""
    *events, end = response_events(ModelResponse(reason="max_output_tokens"))
    responses_server.will(replies.sse([*events, end.replace(b"response.incomplete", b"response.completed")]))
    assert reasons(await ask(provider)) == ["length"]


async def test_a_call_that_was_cut_is_left_as_it_is(responses_server, provider, ask):
    cut = ToolCall("call_1", "weather", '{"place": "Zü')
    responses_server.will(ModelResponse(text="", calls=(cut,), reason="max_output_tokens"))
    chunks = await ask(provider)
    assert calls(chunks) == (cut,)
    assert reasons(chunks) == ["length"]


async def test_calls_come_one_after_the_other_even_if_a_server_mixes_them(responses_server, provider, ask):
    time = ToolCall("call_2", "time", '{"zone": "UTC+13:45"}')
    events = response_events(ModelResponse(text="", calls=(WEATHER, time)))
    added = [event for event in events if b"output_item.added" in event]
    deltas = [event for event in events if b"arguments.delta" in event]
    rest = [event for event in events if b"output_item.done" in event or b"response.completed" in event]
    responses_server.will(replies.sse([events[0], *added, *in_turn(deltas), *rest]))
    chunks = await ask(provider)
    indices = [delta.index for chunk in chunks for delta in chunk.tool_calls]
    assert indices == sorted(indices)
    assert calls(chunks) == (WEATHER, time)


def in_turn(events):
    """Take the events of two calls in turn."""
    decoded = [(json.loads(event.partition(b"data: ")[2])["output_index"], event) for event in events]
    first, second = ([event for at, event in decoded if at == which] for which in (0, 1))
    found = []
    while first or second:
        found += first[:1] + second[:1]
        first, second = first[1:], second[1:]
    return found


async def test_what_stands_beside_the_text_is_kept_apart(responses_server, provider, ask):
    note = {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0, "end_index": 5}
    search = {
        "id": "ws_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    responses_server.will(ModelResponse(annotations=[note], items=[search], phase="final_answer"))
    message = wire(await ask(provider))["unguarded"]["message"]
    inside = {name: value for name, value in note.items() if name != "type"}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": inside}]
    assert message["output_items"] == [search]
    assert message["phase"] == "final_answer"


async def test_probabilities_of_tokens_are_kept_as_chat_completions_has_them(responses_server, provider, ask):
    events = response_events(ModelResponse(text="Hi"))
    token = {"token": "Hi", "logprob": -0.5, "top_logprobs": []}
    events = [event.replace(b'"logprobs":[]', b'"logprobs":[%s]' % json.dumps(token).encode()) for event in events]
    responses_server.will(replies.sse(events))
    assert wire(await ask(provider))["unguarded"]["choice"]["logprobs"] == {"content": [token]}


async def test_usage_has_the_names_of_chat_completions_for_whoever_passes_it_on(responses_server, provider, ask):
    responses_server.will(RICH)
    assert wire(await ask(provider))["usage"] == {
        "prompt_tokens": 36,
        "prompt_tokens_details": {"cached_tokens": 32},
        "completion_tokens": 87,
        "completion_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 123,
    }


@pytest.mark.parametrize("kind", ["computer_call", "local_shell_call", "shell_call", "mcp_approval_request"])
async def test_a_call_that_no_rail_could_read_is_an_error_and_is_not_dropped(responses_server, provider, ask, kind):
    responses_server.will(ModelResponse(text="", items=[{"type": kind, "id": "x_1", "action": {"command": "secret"}}]))
    with pytest.raises(ProviderError, match=kind) as caught:
        await ask(provider)
    assert "secret" not in str(caught.value)
