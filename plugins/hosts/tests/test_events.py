"""Events are read and written as the protocols have them, also where that is done in a quicker way."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from handrail import Chunk, Finished, LLMRails, RailsConfig, ReasoningDelta, ToolCallDelta
from handrail_hosts._dialects._base import ModelError
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._feed import Feed
from handrail_hosts._guard import HostGuard
from handrail_hosts._repeats import Repeats
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


TEXTS = ["One ", "", 'two "\\', "\n\u2028", "é", "😀", '","obfuscation":"x', "id", "stop", "\ue000", "three ", "four"]
_PLACE = {"item_id": "i", "output_index": 0, "content_index": 0}


def chat(number, text, **further):
    delta = {"content": text, **further.pop("delta", {})}
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]
    return {"id": "c", "created": number, "model": "mödel", "choices": choices, "obfuscation": "x" * number, **further}


def response(number, text, kind="output_text", **further):
    head = {"type": f"response.{kind}.delta", "sequence_number": number, **_PLACE}
    return {**head, "delta": text, "logprobs": [], "obfuscation": "x" * number, **further}


def message(number, text, kind="text", **further):
    delta = {"type": f"{kind}_delta", kind: text}
    return {"type": "content_block_delta", "index": number // 4, "delta": delta, **further}


BETWEEN = {
    ChatDialect: (chat, [{"delta": {"reasoning": "hm"}}, {"usage": {"completion_tokens": 1}}, {"id": "other"}]),
    ResponsesDialect: (response, [{"kind": "refusal"}, {"further": 1}]),
    MessagesDialect: (message, [{"kind": "thinking"}, {"further": 1}]),
    TextDialect: (lambda number, text, **further: {"text": text, **further}, [{"further": 1}]),
}


def encoded(value, *, is_ascii):
    return f"data: {json.dumps(value, ensure_ascii=is_ascii)}\n\n".encode()


def read(dialect, bodies, *, quickly):
    """Return what rails see of events, and of how many the text was read without decoding them."""
    reader, repeats, chunks, count = EventReader(), Repeats(dialect), [], 0
    for body in bodies:
        if quickly and (text := repeats.text_of(body)) is not None:
            chunks.append(Chunk(text))
            count += 1
            continue
        repeats.forget()
        for value in reader.feed(body):
            chunks += dialect.chunks(value)
            repeats.note(body, value)
    return chunks, count


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("dialect", BETWEEN)
def test_events_that_differ_in_their_text_alone_are_read_as_decoding_reads_them(dialect, is_ascii):
    make, others = BETWEEN[dialect]
    values = [make(number, text) for number, text in enumerate(TEXTS)]
    for other in others:
        values += [make(20, "else", **other), *(make(21 + number, text) for number, text in enumerate(TEXTS))]
    bodies = [encoded(value, is_ascii=is_ascii) for value in values]
    decoded, none = read(dialect(), bodies, quickly=False)
    quick, count = read(dialect(), bodies, quickly=True)
    assert none == 0
    assert [chunk.text for chunk in quick if chunk.text] == [chunk.text for chunk in decoded if chunk.text]
    assert [chunk for chunk in quick if chunk.reasoning] == [chunk for chunk in decoded if chunk.reasoning]
    assert count > len(bodies) / 2


def test_a_refusal_is_no_text_though_its_event_is_as_long_and_text_after_it_is_text_again():
    values = [response(1, "One "), response(2, "two "), response(3, "no", "refusal"), response(4, "three")]
    dialect = ResponsesDialect()
    _, count = read(dialect, [encoded(value, is_ascii=True) for value in values], quickly=True)
    assert count == 1
    assert b"response.output_text.delta" in dialect.sent(["three"])


@pytest.mark.parametrize(
    "broken",
    ['"a\x01"', '"a" ', '"a","b":"c"', '"\\x"', '"\udcff"', '"a', "1", "null", '["a"]', '"a"}\n\ndata: {"b":"c"'],
)
def test_what_is_no_text_in_the_place_of_one_is_decoded(broken):
    bodies = [encoded(chat(1, text), is_ascii=True) for text in ("One ", "two ")]
    repeats, dialect = Repeats(ChatDialect()), ChatDialect()
    read(dialect, bodies, quickly=True)
    repeats = Repeats(dialect)
    repeats.note(bodies[0], chat(1, "One "))
    assert repeats.text_of(bodies[1]) == "two "
    assert repeats.text_of(bodies[1].replace(b'"two "', broken.encode("utf-8", "surrogateescape"))) is None


def test_a_dialect_with_a_way_of_its_own_to_read_is_asked_for_each_event():
    class Own(ChatDialect):
        def read(self, value):
            return [Chunk(chunk.text.upper()) for chunk in super().read(value)]

    class Further(Own):
        pass

    bodies = [encoded(chat(1, text), is_ascii=True) for text in TEXTS]
    for dialect in (Own, Further):
        found, count = read(dialect(), bodies, quickly=True)
        assert ([chunk.text for chunk in found], count) == ([text.upper() for text in TEXTS], 0)


def test_forms_are_no_longer_looked_for_where_no_event_is_like_another():
    read_again = Counter()

    class Counting(ChatDialect):
        def read(self, value):
            return super().read(value)

        def text_in(self, value):
            read_again[value["id"]] += 1
            return super().text_in(value)

    bodies = [encoded({**chat(1, "One "), "id": f"c{number}"}, is_ascii=True) for number in range(100)]
    assert read(Counting(), bodies, quickly=True)[1] == 0
    assert max(read_again[f"c{number}"] for number in range(20, 100)) == 1


@pytest.mark.parametrize("data", [": keepalive", "null", '"ping"', "keep-alive", '"heartbeat"', "PROCESSING"])
def test_a_sign_of_life_in_the_place_of_data_ends_nothing_and_is_not_passed_on(data):
    body = f'data: {data}\n\ndata: {{"a": 1}}\n\ndata: "[DONE]"\n\n'.encode()
    assert list(EventReader().feed(body)) == ["", {"a": 1}, "[DONE]"]


@pytest.mark.parametrize("data", ["3", "[1]", '"a text"', "nullify", "{"])
def test_data_that_could_be_a_part_of_the_answer_are_no_sign_of_life(data):
    with pytest.raises(GuardFailedError):
        list(EventReader().feed(f"data: {data}\n\n".encode()))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        *((said, None) for said in (None, "", "null", "none", 0, False)),
        *(
            ("stop", "stop"),
            ("eos", "eos"),
            ({"type": "length"}, "length"),
            ("what it said", "unknown"),
            (3, "unknown"),
        ),
    ],
)
def test_only_an_end_is_told_as_one_and_never_as_complete_if_nobody_knows_it(said, reason):
    (found,) = ChatDialect().chunks({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": said}]})
    assert found.finish_reason == reason
    chunks = MessagesDialect().chunks({"type": "message_delta", "delta": {"stop_reason": said}})
    assert chunks[-1].finish_reason == reason


FIRST = {
    ChatDialect: chat(1, "a", choices=[{"index": 0, "delta": {"content": "a"}, "finish_reason": ""}]),
    ResponsesDialect: response(1, "a"),
    MessagesDialect: {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 1}},
}


@pytest.mark.parametrize("dialect", FIRST)
def test_a_stream_without_an_end_is_told_as_broken_off(dialect):
    told = dialect()
    told.chunks(FIRST[dialect])
    written = told.write([*(["a"] if dialect is not MessagesDialect else []), Finished(None)])
    assert "the answer broke off" in json.dumps(written)
    assert not any("message_stop" in str(value.get("type")) for value in written)


@pytest.mark.parametrize("choice", [{"message": {"role": "assistant", "content": "all of it"}}, {"text": "all of it"}])
def test_what_a_server_sends_in_place_of_deltas_is_read(choice):
    (found,) = ChatDialect().chunks({"choices": [{"index": 0, "finish_reason": "stop", **choice}]})
    assert (found.text, found.finish_reason) == ("all of it", "stop")
    again = ChatDialect()
    again.chunks({"choices": [{"index": 0, "delta": {"content": "all of it"}}]})
    (found,) = again.chunks({"choices": [{"index": 0, "finish_reason": "stop", **choice}]})
    assert (found.text, found.finish_reason) == ("", "stop")


def completed(kind="completed", **fields):
    content = [{"type": "output_text", "text": "all of it"}]
    output = [
        {"type": "reasoning", "summary": [{"text": "hm"}]},
        {"type": "message", "id": "m", "role": "assistant", "content": content},
    ]
    return {"type": f"response.{kind}", "response": {"id": "r", "status": kind, "output": output, **fields}}


def test_what_has_come_in_deltas_is_not_read_again_from_the_whole_response():
    dialect = ResponsesDialect()
    thought = {**response(1, "hm"), "type": "response.reasoning_summary_text.delta"}
    values = [thought, response(2, "all "), response(3, "of it"), completed()]
    chunks = [found for value in values for found in dialect.chunks(value)]
    assert "".join(found.text for found in chunks) == "all of it"
    assert "".join(found.reasoning for found in chunks) == "hm"
    (whole,) = ResponsesDialect().chunks(completed())
    assert (whole.text, whole.reasoning) == ("all of it", "hm")


@pytest.mark.parametrize("last", [completed("incomplete"), completed(status="incomplete")], ids=["event", "status"])
def test_a_response_that_was_cut_for_no_reason_is_not_told_as_complete(last):
    dialect = ResponsesDialect()
    (found,) = dialect.chunks(last)
    assert found.finish_reason == "length"
    told = dialect.write(["all of it", Finished("length")])[-1]
    assert (told["type"], told["response"]["status"]) == ("response.incomplete", "incomplete")


async def test_text_that_comes_together_with_an_error_is_told():
    told = []

    async def tell(items):
        told.extend(items)

    rails = {"output": {"flows": ["phrase check"], "streaming": {"enabled": True}}}
    rails["config"] = {"phrase check": {"phrases": ["swordfish"]}}
    guard = HostGuard.of(LLMRails(RailsConfig.from_content(config={"rails": rails})))
    feed = Feed(guard, ChatDialect(), [], {}, tell)
    with pytest.raises(ModelError):
        await feed.push(encoded(chat(1, "Hello "), is_ascii=True) + encoded({"error": {"message": "x"}}, is_ascii=True))
    await feed.aclose()
    assert told == ["Hello "]
