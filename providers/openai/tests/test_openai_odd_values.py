"""Whatever value stands where, a server that sends it gets a clear error, and nobody a `TypeError`."""

from __future__ import annotations

import json

import pytest
from handrail import ToolCall, Usage
from handrail_http import ErrorEvent, NotAnEventError
from handrail_http.testing import odd_variants
from handrail_openai._answer import Answer
from handrail_openai._responses import ResponseAnswer
from handrail_openai.testing import ModelResponse, response_events
from handrail_testkit import Completion, replies

CALL = ToolCall("call_1", "look", '{"a": 1}')
CHAT = Completion(("Hi", " you"), reasoning=("Hm",), tool_calls=(CALL,))
RESPONSE = ModelResponse("Hi you", summaries=("Hm",), encrypted="abc", calls=(CALL,), annotations=({"type": "x"},))
REFUSED = ModelResponse("", refusal="No.", reason="max_output_tokens")
ANSWERS = {
    "chat": (Answer, replies.stream(CHAT, "m", include_usage=True)[:-1], CHAT.whole("m")),
    "responses": (ResponseAnswer, response_events(RESPONSE, "m"), RESPONSE.whole("m")),
    "refused": (ResponseAnswer, response_events(REFUSED, "m"), REFUSED.whole("m")),
}


def read(kind, events):
    """Take events as a provider does; what they come to must be sendable."""
    answer = kind({}, {})
    try:
        chunks = [chunk for event in events for chunk in answer.chunks(event)] + list(answer.end())
    except (ErrorEvent, NotAnEventError) as exc:
        return exc
    for chunk in chunks:
        calls = "".join(f"{call.id}{call.name}{call.arguments}" for call in chunk.tool_calls)
        (chunk.text + chunk.reasoning + calls + json.dumps(chunk.metadata, allow_nan=False)).encode()
    return chunks


@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_value_anywhere_in_an_event_is_read_or_an_error(name):
    kind, events, _ = ANSWERS[name]
    sent = [event.partition(b"data: ")[2].strip() for event in events]
    assert isinstance(read(kind, sent), list)
    for at, event in enumerate(events):
        for odd in odd_variants(event):
            read(kind, [*sent[:at], odd, *sent[at + 1 :]])


@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_value_anywhere_in_an_answer_in_one_piece_is_read_or_an_error(name):
    kind, _, whole = ANSWERS[name]
    assert isinstance(read(kind, [json.dumps(whole).encode()]), list)
    for odd in odd_variants(json.dumps(whole).encode()):
        read(kind, [odd])


def chunk(delta, reason=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [choice], **more}).encode()


HI, STOP = chunk({"content": "Hi"}), chunk({}, "stop")
MOONSHOT = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 7, "completion_tokens": 3}}


@pytest.mark.parametrize(
    "events",
    [
        [chunk([]), HI, STOP],  # an empty object of PHP's
        [b'{"id": "1", "object": "chat.completion.chunk", "nvext": {"worker": 1}}', HI, STOP],
        [b"\xef\xbb\xbf" + HI, STOP],
    ],
)
def test_odd_events_say_what_they_say(events):
    assert "".join(chunk.text for chunk in read(Answer, events)) == "Hi"


def test_a_control_character_within_a_text_is_part_of_it():
    events = [b'{"choices": [{"delta": {"content": "a\tb\x00"}}]}', STOP]
    assert "".join(chunk.text for chunk in read(Answer, events)) == "a\tb\x00"


def test_tokens_are_counted_where_moonshot_says_them():
    chunks = read(Answer, [HI, json.dumps({"id": "1", "choices": [MOONSHOT]}).encode()])
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(7, 3)]
    assert [wire["usage"] for chunk in chunks if "usage" in (wire := (chunk.metadata or {}).get("wire", {}))] == [
        MOONSHOT["usage"]
    ]


@pytest.mark.parametrize("first", ["length", "content_filter", "tool_calls"])
def test_an_answer_that_was_cut_is_not_made_whole_by_a_stop_that_follows(first):
    chunks = read(Answer, [HI, chunk({}, first), STOP])
    assert {chunk.finish_reason for chunk in chunks if chunk.finish_reason} == {first}
    chunks = read(Answer, [HI, STOP, chunk({}, first)])
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop", first]


def test_texts_that_are_none_are_an_error():
    for content in ({"a": 1}, ["x", [1]], 7):
        choice = {"index": 0, "delta": {"content": content}}
        assert isinstance(read(Answer, [json.dumps({"choices": [choice]}).encode()]), NotAnEventError)
    assert isinstance(read(Answer, [b'{"choices": {}}']), NotAnEventError)
