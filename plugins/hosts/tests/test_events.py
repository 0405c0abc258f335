"""Events are read and written as the protocols have them, also where that is done in a quicker way."""

from __future__ import annotations

import pytest
from handrail import Chunk, Finished, ReasoningDelta, ToolCallDelta
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._sse import EventReader, event
from handrail_hosts.starlette import ChatDialect, MessagesDialect, ResponsesDialect, TextDialect

READ = {
    ChatDialect: [{"id": 'c"\ue000', "model": "m", "choices": []}],
    ResponsesDialect: [{"type": "response.created", "response": {"id": 'r"\\ue000', "model": "sequence_number"}}],
    MessagesDialect: [{"type": "message_start", "message": {"id": "m\ue000", "usage": {"input_tokens": 1}}}],
    TextDialect: [{"text": ""}],
}


@pytest.mark.parametrize("dialect", READ)
def test_events_of_text_are_sent_as_they_are_written_however_they_are_encoded(dialect):
    call = ToolCallDelta(0, "c", "f", "{}")
    released = [["One "], ["two \ue000"], ['three "\n\u2028', "\ud83d\ude00"], [ReasoningDelta("Well.")], ["é"], [call],
                ["four"], ["five"], [Finished("stop")]]  # fmt: skip
    sender, writer = dialect(), dialect()
    for value in READ[dialect]:
        assert sender.chunks(value) == writer.chunks(value)
    for items in released:
        assert sender.sent(items) == b"".join(map(event, writer.write(items)))


def test_an_event_that_other_readers_would_end_elsewhere_is_not_read_as_one():
    for body in (b'data: {"choices":\n[]}\n\n', b'data: {"choices":\r[]}\n\n', b'data: {"a": 1} {"b": 2}\n\n'):
        with pytest.raises(GuardFailedError):
            list(EventReader().feed(body))
    assert list(EventReader().feed(b"event: x\ndata: {}\n\ndata: {}\n\n")) == [{}, {}]
    assert list(EventReader().feed(b"event: error\ndata: {}\n\n")) == [{"type": "error", "error": True}]


def read(dialect, *values):
    """Return the text, the reasoning and the names of the calls that a dialect reads."""
    chunks = [chunk for value in values for chunk in dialect.chunks(value)]
    calls = [call for chunk in chunks for call in chunk.tool_calls]
    return (
        "".join(chunk.text for chunk in chunks),
        "".join(chunk.reasoning for chunk in chunks),
        [call.name for call in calls if call.name],
    )


def item(index, kind, *, done=True, **fields):
    event = {"output_index": index, "item": {"type": kind, **fields}}
    return {"type": f"response.output_item.{'done' if done else 'added'}", **event}


WELL = [{"type": "output_text", "text": "Well."}]
END = {"type": "response.completed", "response": {"output": [{"type": "message", "content": WELL}]}}


@pytest.mark.parametrize(
    "events",
    [
        [item(0, "message", content=[], done=False), item(0, "message", content=WELL), END],
        [item(0, "message", content=[], done=False), {"type": "response.output_text.done", "text": "Well."}, END],
        [
            item(0, "message", content=[], done=False),
            {"type": "response.output_text.delta", "output_index": 0, "delta": "Well."},
            item(0, "message", content=WELL),
            END,
        ],
        [{"type": "response.output_text.delta", "delta": "Well."}, item(0, "message", content=WELL), END],
        [item(0, "message", content=[{"type": "refusal", "refusal": "Well."}])],
        [END],
    ],
)
def test_a_text_is_read_once_whether_it_comes_in_pieces_or_at_once(events):
    assert read(ResponsesDialect(), *events)[0] == "Well."


def test_thoughts_that_come_at_once_are_read_once():
    thought = item(0, "reasoning", summary=[{"type": "summary_text", "text": "Hm."}])
    delta = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm."}
    assert read(ResponsesDialect(), thought)[1] == read(ResponsesDialect(), delta, thought)[1] == "Hm."


@pytest.mark.parametrize(
    ("dialect", "begun", "failure"),
    [
        (
            ResponsesDialect,
            {"type": "response.output_text.delta", "output_index": 0, "delta": "One"},
            "response.failed",
        ),
        (
            MessagesDialect,
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "One"}},
            "error",
        ),
    ],
)
def test_an_answer_without_its_end_is_not_told_as_complete(dialect, begun, failure):
    one = dialect()
    assert read(one, begun)[0] == "One"
    kinds = [value["type"] for value in (*one.write(["One"]), *one.write([Finished(None)]))]
    assert kinds[-1] == failure
    assert not {"response.completed", "message_stop"} & {*kinds}


def of_chat(index, **call):
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, **call}]}}]}


def of_messages(index, name):
    block = {"type": "tool_use", "id": name, "name": name, "input": {}}
    return {"type": "content_block_start", "index": index, "content_block": block}


@pytest.mark.parametrize(
    ("dialect", "events"),
    [
        (
            ChatDialect,
            [
                of_chat(0, id="a", function={"name": "first", "arguments": ""}),
                of_chat(1, id="b", function={"name": "second", "arguments": "{}"}),
                {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            ],
        ),
        (
            MessagesDialect,
            [
                of_messages(0, "first"),
                of_messages(1, "second"),
                {
                    "type": "content_block_delta",
                    "index": 1,
                    "delta": {"type": "input_json_delta", "partial_json": "{}"},
                },
                {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            ],
        ),
        (
            ResponsesDialect,
            [
                item(0, "function_call", call_id="a", name="first", arguments="", done=False),
                item(1, "function_call", call_id="b", name="second", arguments="{}"),
                {"type": "response.completed", "response": {}},
            ],
        ),
    ],
)
def test_calls_keep_their_order_when_one_has_no_arguments(dialect, events):
    assert read(dialect(), *events)[2] == ["first", "second"]


def test_a_custom_call_without_input_stays_one():
    dialect = ChatDialect()
    read(dialect, of_chat(0, id="a", type="custom", custom={"name": "shell", "input": ""}))
    (chunk,) = dialect.chunks({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    assert chunk == Chunk(tool_calls=(ToolCallDelta(0, "a", "shell", "", "custom"),), finish_reason="tool_calls")
