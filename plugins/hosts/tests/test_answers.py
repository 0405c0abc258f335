"""What an answer has in unusual places does not get past the guard, and its form says what it now is."""

from __future__ import annotations

import gzip
import json
from functools import cache

import pytest
from handrail_hosts import HostGuard
from handrail_hosts.starlette import GuardMiddleware
from handrail_testkit import host_rails

FORBIDDEN = "forbidden fruit"
REFUSAL = "The guard has refused this."
CALL = {"id": FORBIDDEN, "function": {"name": "f", "arguments": "{}"}}
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
SSE = [(b"content-type", b"text/event-stream")]
JSON = [(b"content-type", b"application/json")]
HELLO = {"messages": [{"role": "user", "content": "Hello"}], "input": "Hello"}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@cache
def guard(kind):
    return HostGuard(host_rails(kind))


async def answered(pieces, headers=SSE, path=CHAT, *, method="POST", asked=HELLO, rails="windows", **scope):
    """Ask; return what the application read, and the status, headers and body of what came of its answer."""
    read, sent = [], []
    packets = [{"type": "http.request", "body": json.dumps(asked).encode()}]

    async def app(scope, receive, send):
        read.append((await receive())["body"])
        assert "http.response.pathsend" not in scope.get("extensions", {})
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return packets.pop()

    async def send(packet):
        sent.append(packet)

    scope = {"type": "http", "method": method, "path": path, "headers": [], **scope}
    await GuardMiddleware(app, guard(rails))(scope, receive, send)
    body = b"".join(packet.get("body", b"") for packet in sent)
    return b"".join(read), sent[0]["status"], dict(sent[0]["headers"]), body.decode()


def chunk(text, **choice):
    return {"id": "1", "choices": [{"index": 0, "delta": {"content": text}, **choice}]}


def written(*values):
    return b"".join(b"data: %b\n\n" % json.dumps(value).encode() for value in values)


def values_of(body):
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: {")]
    return list(map(json.loads, lines))


def text_of(body):
    choices = [choice for value in values_of(body) for choice in value.get("choices", ())]
    return "".join(choice["delta"].get("content", "") for choice in choices)


ANSWER = written(chunk("Hello "), chunk("there.", finish_reason="stop")) + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"\xef\xbb\xbf", ANSWER],
        [b"\xef", b"\xbb\xbf" + ANSWER],
        [ANSWER.replace(b"\n", b"\r\n")],
        [bytes([byte]) for byte in ANSWER.replace(b"\n", b"\r\n")],
        [bytes([byte]) for byte in ANSWER.replace(b"\n", b"\r")],
        [ANSWER.replace(b"\n\n", b"\n\r\n")],
        [ANSWER.replace(b"\n\n", b"\r\n\n")],
        [ANSWER.replace(b"\n\n", b"\r\n\r"), b"\n"],
        [b": %b\n\nid: 1\nretry: 5\nevent: x\n" % FORBIDDEN.encode(), ANSWER],
        [ANSWER.replace(b'{"id"', b'{\ndata: "id"')],
        [ANSWER.removesuffix(b"\n\n")],
    ],
)
async def test_events_are_read_however_their_lines_end_and_wherever_they_are_cut(pieces):
    _, status, _, body = await answered(pieces)
    assert (status, text_of(body)) == (200, "Hello there.")
    assert '"finish_reason":"stop"' in body
    assert FORBIDDEN not in body


async def test_many_events_at_once_are_no_event_that_is_too_long():
    many = written(*[chunk("word " * 50)] * 15_000, chunk("", finish_reason="stop"))
    assert len(many) > 4 * 2**20
    assert '"finish_reason":"stop"' in (await answered([many]))[3]


@pytest.mark.parametrize(
    "events",
    [
        b"event: error\ndata: {\"message\": \"forbidden fruit\"}\n\n",
        written({"choices": [None]}),
        written({"choices": [{"delta": FORBIDDEN}]}),
        written({"choices": [{"index": 1, "delta": {"content": FORBIDDEN}}]}),
        written({"choices": [{"index": "0", "delta": {"content": FORBIDDEN}}]}),
        written({"choices": [{"delta": {"content": "Well"}}, {"delta": {"content": FORBIDDEN}}]}),
        written({"choices": [{"delta": {"audio": {"transcript": FORBIDDEN}}}]}),
        written([FORBIDDEN]),
        b"data: " + FORBIDDEN.encode() + b"\n\n",
        b'data: {"choices":[{"delta":{"content":"caf\xe9"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"caf\xc3',
        gzip.compress(ANSWER),
        written({"choices": [{"delta": {"function_call": {"name": FORBIDDEN, "arguments": "{}"}}}]}),
    ],
)  # fmt: skip
async def test_a_stream_that_cannot_be_judged_ends_as_failed(events):
    _, _, _, body = await answered([written(chunk("Hello ")), events])
    assert values_of(body)[-1]["error"]["code"] == "answer_withheld"
    assert FORBIDDEN not in body


@pytest.mark.parametrize(
    "events",
    [
        ANSWER + written(chunk(FORBIDDEN)),
        b'data: {"choices":[{"delta":{"content":"Well","content":"forbidden fruit"}}]}\n\n',
        written({"choices": [{"delta": {"refusal": FORBIDDEN}}]}),
        written({"choices": [{"delta": {"content": [{"type": "text", "text": FORBIDDEN}]}}]}),
    ],
)  # fmt: skip
async def test_text_in_unusual_places_of_a_stream_is_judged(events):
    _, _, _, body = await answered([events])
    assert (FORBIDDEN in body, "content_filter" in body) == (False, True)


@pytest.mark.parametrize(
    "value",
    [
        {**chunk("Hello"), "id": FORBIDDEN, "model": FORBIDDEN, "provider": FORBIDDEN, FORBIDDEN: 1},
        chunk("Hello", finish_reason=FORBIDDEN, logprobs={"content": [{"token": FORBIDDEN}]}),
        {"choices": [], "usage": {"prompt_tokens": 1, "note": FORBIDDEN, FORBIDDEN: 1}},
        {"choices": [{"delta": {"annotations": [FORBIDDEN], "reasoning": FORBIDDEN}}]},
        {"choices": [{"index": 0, "text": FORBIDDEN, "message": {"content": FORBIDDEN}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": FORBIDDEN, "extra_content": {"x": FORBIDDEN},
                                                "function": {"name": "f", "arguments": "{}"}}]}}]},
    ],
)  # fmt: skip
async def test_text_that_is_no_part_of_a_streamed_answer_is_left_out(value):
    _, status, _, body = await answered([written(value), ANSWER])
    assert (status, FORBIDDEN in body, "error" in body) == (200, False, False)


WHOLE = [
    (CHAT, {"id": FORBIDDEN, "model": FORBIDDEN, "usage": {"x": FORBIDDEN},
            "choices": [{"index": 0, "finish_reason": FORBIDDEN, "message": {"role": FORBIDDEN, "content": "Well."}}]}),
    (CHAT, {"choices": [{"message": {"tool_calls": [CALL]}}]}),
    (MESSAGES, {"id": FORBIDDEN, "type": "message", "note": FORBIDDEN, "stop_sequence": FORBIDDEN,
                "stop_reason": FORBIDDEN, "usage": {"x": FORBIDDEN},
                "content": [{"type": "text", "text": "Well.", "citations": [FORBIDDEN]}]}),
    (MESSAGES, {"content": [{"type": "tool_use", "id": FORBIDDEN, "name": "f", "input": {}, "note": FORBIDDEN}]}),
    (MESSAGES, {"content": [{"type": "redacted_thinking", "data": FORBIDDEN}, {"type": "text", "text": "Well."}]}),
    (RESPONSES, {"id": FORBIDDEN, "note": FORBIDDEN, "output_text": FORBIDDEN, "output": [
        {"type": "message", "id": FORBIDDEN, "note": FORBIDDEN,
         "content": [{"type": "output_text", "text": "Well.", "annotations": [FORBIDDEN]}]}]}),
    (RESPONSES, {"output": [{"type": "reasoning", "id": FORBIDDEN, "summary": [], "note": FORBIDDEN}]}),
    (RESPONSES, {"output": [{"type": "function_call", "call_id": FORBIDDEN, "name": "f", "arguments": "{}",
                             "note": FORBIDDEN}]}),
    (RESPONSES, {"status": "incomplete", "incomplete_details": {"reason": FORBIDDEN}, "output": []}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), WHOLE)
async def test_text_that_is_no_part_of_a_whole_answer_is_left_out(path, value):
    _, status, _, body = await answered([json.dumps(value).encode()], JSON, path)
    assert (status, FORBIDDEN in body) == (200, False)


ABOUT_THE_BODY = [
    (b"Content-Length", b"9"), (b"ETag", b"x"), (b"content-encoding", b"identity"), (b"Last-Modified", b"x"),
    (b"content-md5", b"x"), (b"digest", b"x"), (b"repr-digest", b"x"), (b"accept-ranges", b"bytes"), (b"x-kept", b"1"),
]  # fmt: skip


@pytest.mark.parametrize("text", ["Well.", FORBIDDEN])
@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream", b"text/event-stream; charset=utf-7"])
async def test_headers_about_the_body_that_was_go_with_it(text, encoding, kind):
    headers = [*ABOUT_THE_BODY, (b"content-encoding", encoding), (b"content-type", kind)]
    value = {"choices": [{"index": 0, "message": {"content": text}, "delta": {"content": text}}]}
    streams = kind != b"application/json"
    _, _, found, body = await answered([written(value) if streams else json.dumps(value).encode()], headers)
    known = {b"x-kept", b"content-type", b"content-length"}
    assert {name.lower() for name in found} <= known
    assert found[b"content-type"] in (b"application/json", b"text/event-stream; charset=utf-8")
    assert found.get(b"content-length", str(len(body)).encode()) == str(len(body)).encode()
    assert FORBIDDEN not in body


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET"])
async def test_a_method_without_a_body_carries_none_past_the_guard(method):
    read, _, _, body = await answered([FORBIDDEN.encode()], [(b"content-type", b"text/plain")], method=method)
    assert read == b""
    assert FORBIDDEN not in body


@pytest.mark.parametrize("root", ["/api", "/api/"])
async def test_an_application_that_is_mounted_somewhere_is_guarded(root):
    _, _, _, body = await answered([written(chunk(FORBIDDEN))], path=f"/api{CHAT}", root_path=root)
    assert (FORBIDDEN in body, "content_filter" in body) == (False, True)
    assert FORBIDDEN not in (await answered([written(chunk(FORBIDDEN))], root_path=root))[3]


async def test_an_application_cannot_send_a_file_past_the_guard():
    _, _, _, body = await answered([ANSWER], extensions={"http.response.pathsend": {}})
    assert text_of(body) == "Hello there."


@pytest.mark.parametrize("form", [None, {"type": "json_object"}])
async def test_a_refusal_of_a_completion_is_words_and_a_refusal_and_no_words_in_json(form):
    asked = {**HELLO, "response_format": form}
    _, _, _, body = await answered([written(chunk('{"text": "forbidden fruit"}'))], asked=asked)
    deltas = [value["choices"][0]["delta"] for value in values_of(body)]
    assert "".join(delta.get("refusal", "") for delta in deltas) == REFUSAL
    assert text_of(body) == ("" if form else REFUSAL)
    whole = {"choices": [{"message": {"content": '{"text": "forbidden fruit"}'}}]}
    _, _, _, body = await answered([json.dumps(whole).encode()], JSON, asked=asked)
    message = json.loads(body)["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None if form else REFUSAL, "refusal": REFUSAL}


@pytest.mark.parametrize("form", [None, {"type": "json_object"}])
async def test_a_refusal_of_a_response_is_a_part_of_text_and_one_of_refusal(form):
    asked = {**HELLO, "text": {"format": form}}
    delta = {"type": "response.output_text.delta", "delta": '{"text": "forbidden fruit"}'}
    _, _, _, body = await answered([written(delta)], path=RESPONSES, asked=asked)
    values = values_of(body)
    (item,) = values[-1]["response"]["output"]
    parts = [] if form else [("output_text", REFUSAL)]
    assert [(part["type"], part.get("text") or part["refusal"]) for part in item["content"]] == [
        *parts,
        ("refusal", REFUSAL),
    ]
    assert (item["status"], values[-1]["type"]) == ("incomplete", "response.incomplete")
    places = [value["content_index"] for value in values if value["type"] == "response.content_part.done"]
    assert places == [*range(len(item["content"]))]


async def test_a_refusal_of_a_message_is_words_and_explained():
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": FORBIDDEN}}
    _, _, _, body = await answered([written(delta)], path=MESSAGES)
    last = values_of(body)[-2]["delta"]
    whole = {"content": [{"type": "text", "text": FORBIDDEN}]}
    _, _, _, body = await answered([json.dumps(whole).encode()], JSON, MESSAGES)
    message = json.loads(body)
    assert message["content"] == [{"type": "text", "text": REFUSAL}]
    for stop in (last, message):
        assert stop["stop_reason"] == "refusal"
        assert stop["stop_details"] == {"type": "refusal", "category": None, "explanation": REFUSAL}
