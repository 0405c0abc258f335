"""What dialects read: texts, thoughts and calls once and in order, however they come, and ends that are none."""

from __future__ import annotations

import pytest
from handrail import Blocked, Chunk, Finished, ToolCallDelta
from handrail_hosts.starlette import ChatDialect, MessagesDialect, ResponsesDialect


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


BEGINNING = [
    ToolCallDelta(0, "a", "pay", '{"to": '),
    ToolCallDelta(0, arguments='"Ada"'),
    ToolCallDelta(1, "b", "now", "{}"),
    ToolCallDelta(0, arguments="}"),
]
DIALECTS = [ChatDialect, ResponsesDialect, MessagesDialect]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", [Blocked("rail", "output", message="No."), Finished()], ids=["refused", "broke off"])
def test_nothing_is_sent_of_a_call_whose_answer_is_refused_or_breaks_off(dialect, end):
    """Clients run the beginning of a call, which they complete by themselves."""
    told = dialect()
    sent = b"".join(told.sent([item]) for item in ["Well.", *BEGINNING, end])
    assert b"Well." in sent
    assert b"pay" not in sent
    assert b"Ada" not in sent
    assert b"now" not in sent


@pytest.mark.parametrize("dialect", DIALECTS)
def test_calls_are_sent_whole_and_last(dialect):
    told = dialect()
    before = b"".join(told.sent([item]) for item in [*BEGINNING, "Well."])
    after = told.sent([Finished("tool_calls")])
    assert b"pay" not in before
    assert b"Well." in before
    assert after.index(b"pay") < after.index(b"now")
    assert rb"{\"to\": \"Ada\"}" in after


def chat(reason, **delta):
    return {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def stop(reason):
    return {"type": "message_delta", "delta": {"stop_reason": reason}}


@pytest.mark.parametrize("reason", ["length", "tool_calls", "content_filter"])
def test_a_stop_after_another_end_makes_no_answer_whole(reason):
    dialect = ChatDialect()
    ends = [chunk.finish_reason for value in (chat(reason), chat("stop")) for chunk in dialect.chunks(value)]
    assert ends == [reason, reason]
    dialect = ChatDialect()
    ends = [chunk.finish_reason for value in (chat("stop"), chat(reason)) for chunk in dialect.chunks(value)]
    assert ends == ["stop", reason]


def test_an_end_of_turn_after_another_end_makes_no_message_whole():
    dialect = MessagesDialect()
    for value in (stop("max_tokens"), stop("end_turn")):
        assert [chunk.finish_reason for chunk in dialect.chunks(value)] == ["length"]
    told = dialect.write([Finished("length")])
    assert [value["delta"]["stop_reason"] for value in told if value["type"] == "message_delta"] == ["max_tokens"]
