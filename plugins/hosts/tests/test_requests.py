"""What reaches a model of a client's request was judged, or the request is refused."""

from __future__ import annotations

import base64
import json
from functools import cache
from urllib.parse import quote

import pytest
from handrail import RailsConfig
from handrail_hosts import GuardFailedError, HostGuard
from handrail_hosts.open_webui import GuardFilter
from handrail_hosts.starlette import GuardMiddleware
from handrail_testkit import host_rails

FORBIDDEN = "forbidden fruit"
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
FIELD = {CHAT: "messages", RESPONSES: "input", MESSAGES: "messages"}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@cache
def judging():
    return HostGuard(host_rails("input"))


async def asked_through(path, body, rails=None):
    """Ask through the middleware; return what the model was asked with, None if it was not, and what was answered."""
    reached, sent = [], []
    packets = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def model(scope, receive, send):
        reached.append(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return packets.pop()

    async def send(packet):
        sent.append(packet)

    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    await GuardMiddleware(model, rails or judging())(scope, receive, send)
    return (reached[0] if reached else None), sent[0]["status"], sent[-1]["body"].decode()


def user(content, **fields):
    return {"role": "user", "content": content, **fields}


def masking(*roles):
    """Rails that replace the addresses of people in what is asked."""
    rails = {
        "input": {"flows": ["personal data check"], "roles": roles or ["user", "tool"]},
        "config": {"personal data check": {"action": "redact"}},
    }
    return RailsConfig.from_content(config={"rails": rails})


@pytest.mark.parametrize("path", FIELD)
@pytest.mark.parametrize("role", ["x", "function", "context", "event", "User", "user ", "", None, 5, ["user"], {}])
@pytest.mark.parametrize("beside", [[], [user("Hello")]])
async def test_a_role_that_no_rail_judges_is_refused(path, role, beside):
    body = {FIELD[path]: [{"role": role, "content": FORBIDDEN}, *beside]}
    reached, status, said = await asked_through(path, body)
    assert (reached, status) == (None, 400)
    assert FORBIDDEN not in said


@pytest.mark.parametrize("path", FIELD)
@pytest.mark.parametrize(
    "messages",
    [[], [{"role": "system", "content": FORBIDDEN}], [{"role": "assistant", "content": FORBIDDEN}],
     [user("Hello"), {"role": "assistant", "content": FORBIDDEN}]],
)  # fmt: skip
async def test_a_request_that_ends_in_words_nobody_judged_is_refused(path, messages):
    assert (await asked_through(path, {FIELD[path]: messages}))[:2] == (None, 400)


async def test_an_operator_may_let_clients_begin_the_answer():
    body = {"messages": [user("Hello"), {"role": "assistant", "content": "Well,"}]}
    assert (await asked_through(CHAT, body, HostGuard(host_rails("input"), prefill=True)))[0] == body


async def test_without_input_rails_the_conversation_may_be_of_any_known_role():
    body = {"messages": [{"role": "system", "content": "Say hello."}]}
    assert (await asked_through(CHAT, body, host_rails("windows")))[0] == body
    assert (await asked_through(CHAT, {"messages": [{"role": "x", "content": ""}]}, host_rails("windows")))[0] is None


def as_data(text, encoding="utf-8"):
    return base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (CHAT, lambda text: {"type": "file", "file": {"file_data": f"data:text/plain;base64,{as_data(text)}"}}),
        (CHAT, lambda text: {"type": "image_url", "image_url": {"url": f"data:text/html,{quote(text)}"}}),
        (RESPONSES, lambda text: {"type": "input_file", "file_data": f"data:application/json;base64,{as_data(text)}"}),
        (MESSAGES, lambda text: {"type": "document", "source": {"type": "base64", "media_type": "text/plain",
                                                                "data": as_data(text)}}),
        (CHAT, lambda text: {"type": "file", "file": {"file_data": as_data(text)}}),
        (CHAT, lambda text: {"type": "file", "file": {"file_data": f"DATA:text/plain;base64,{as_data(text)}"}}),
        (CHAT, lambda text: {"type": "file", "file": {"file_data": f"data:text/plain;base64;x=y,{as_data(text)}"}}),
        (CHAT, lambda text: {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{as_data(text)}"}}),
        (CHAT, lambda text: {"type": "file", "file": {"file_data": f"data:;base64,{as_data(text, 'utf-16')}"}}),
        (CHAT, lambda text: {"type": "image_url", "image_url": {"url": f"data:image/svg+xml;base64,{as_data(text)}"}}),
        (CHAT, lambda text: {"type": "input_audio", "input_audio": {"format": "wav", "data": as_data(text)}}),
        (CHAT, lambda text: {"type": "input_audio", "input_audio": {"format": "wav", "data": text}}),
        (RESPONSES, lambda text: {"type": "input_file", "file_data": as_data(f"{text} \u00ff??>")
                                  .replace("/", "_").replace("+", "-")}),
        (MESSAGES, lambda text: {"type": "document", "source": {"type": "base64", "media_type": "application/pdf",
                                                                "data": as_data(text)}}),
    ],
)  # fmt: skip
async def test_a_file_that_is_a_text_is_judged(path, part):
    assert (await asked_through(path, {FIELD[path]: [user([part(FORBIDDEN)])]}))[0] is None
    body = {FIELD[path]: [user([part("well-known")])]}
    assert (await asked_through(path, body))[0] == body


@pytest.mark.parametrize(
    "part",
    [
        lambda data: {"type": "file", "base64": data, "mime_type": "text/plain"},  # LangChain's, and its older one's
        lambda data: {"type": "file", "source_type": "base64", "data": data, "mime_type": "text/plain"},
        lambda data: {"type": "media", "data": data, "mime_type": "application/pdf"},
        lambda data: {"inline_data": {"mime_type": "text/plain", "data": data}},  # Gemini's
        lambda data: {"document": {"format": "txt", "name": "x", "source": {"bytes": data}}},  # Bedrock's
    ],
)
async def test_a_file_in_the_form_of_any_library_is_read(part):
    assert (await asked_through(CHAT, {"messages": [user([part(as_data(FORBIDDEN))])]}))[0] is None


async def test_a_field_that_may_be_a_word_or_data_is_read_as_both():
    for data in (FORBIDDEN, as_data(FORBIDDEN)):
        assert (await asked_through(CHAT, {"messages": [user([{"type": "x", "data": data}])]}))[0] is None
    source = {"type": "text", "media_type": "text/plain", "data": FORBIDDEN}
    body = {"messages": [user([{"type": "document", "source": source}])]}
    assert (await asked_through(MESSAGES, body))[0] is None


@pytest.mark.parametrize("kind", ["application/pdf", "application/msword", "application/octet-stream", ""])
@pytest.mark.parametrize("raw", [b"\xff%s", b"\0%s", b"%s\x80"])
async def test_a_byte_that_no_text_has_leaves_no_text_unread(kind, raw):
    data = base64.b64encode(raw % FORBIDDEN.encode()).decode()
    body = {"messages": [user([{"type": "file", "file": {"file_data": f"data:{kind};base64,{data}"}}])]}
    assert (await asked_through(CHAT, body))[0] is None


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "application/octet-stream"])
async def test_a_file_that_is_not_a_text_passes_as_it_is(kind):
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00forbidden fruit\xff").decode()
    body = {"messages": [user([{"type": "file", "file": {"file_data": f"data:{kind};base64,{data}"}}])]}
    assert (await asked_through(CHAT, body))[0] == body


BESIDE = [
    (CHAT, {"messages": [user("Hello", name=FORBIDDEN)]}),
    (CHAT, {"messages": [user("Hello", refusal=FORBIDDEN)]}),
    (CHAT, {"messages": [user("Hello", reasoning_content=[{"text": FORBIDDEN}])]}),
    (CHAT, {"messages": [user("Hello", tool_calls=[{"function": {"name": "f", "arguments": FORBIDDEN}}])]}),
    (CHAT, {"messages": [user([{"type": "refusal", "refusal": FORBIDDEN}])]}),
    (CHAT, {"messages": [user([{"type": "input_text", "text": FORBIDDEN}])]}),
    (CHAT, {"messages": [user([{"type": "text", "text": "Hello", "content": FORBIDDEN}])]}),
    (CHAT, {"messages": [user([{"type": "file", "file": {"file_id": "f", "filename": FORBIDDEN}}])]}),
    (CHAT, {"messages": [user([{"type": "image_url", "image_url": {"url": FORBIDDEN}}])]}),
    (CHAT, {"messages": [user("Hello"), {"role": "tool", "tool_call_id": "c", "content": "", "name": FORBIDDEN}]}),
    (CHAT, {"messages": [user("Hello"), {"role": "tool", "tool_call_id": FORBIDDEN, "content": ""}]}),
    (CHAT, {"messages": [user("Hello")], "documents": [{"title": "x", "text": FORBIDDEN}]}),
    (CHAT, {"messages": [user("Hello")], "input": FORBIDDEN}),
    (CHAT, {"messages": [user("Hello")], "extra_body": {"messages": [{"role": "x", "content": FORBIDDEN}]}}),
    (RESPONSES, {"input": [user([{"type": "refusal", "refusal": FORBIDDEN}])]}),
    (RESPONSES, {"input": [user([{"type": "input_text", "text": None, "refusal": FORBIDDEN}])]}),
    (RESPONSES, {"input": [user([{"type": "input_file", "filename": FORBIDDEN}])]}),
    (RESPONSES, {"input": [user("Hello", note=FORBIDDEN)]}),
    (RESPONSES, {"input": [user("Hello"), {"type": "note", "content": FORBIDDEN}]}),
    (RESPONSES, {"input": [user("Hello"), {"type": None, "role": "user", "content": FORBIDDEN}]}),
    (RESPONSES, {"input": [user("Hello"), {"type": "mcp_call", "id": "m", "output": FORBIDDEN}]}),
    (RESPONSES, {"input": [user("Hello"), {"type": "file_search_call", "results": [{"text": FORBIDDEN}]}]}),
    (RESPONSES, {"input": [user("Hello"), {"type": "shell_call_output", "output": [{"stdout": FORBIDDEN}]}]}),
    (RESPONSES, {"input": [user("Hello"), {"type": "function_call_output", "call_id": "c",
                                           "output": [{"type": "input_file", "filename": FORBIDDEN}]}]}),
    (RESPONSES, {"input": "Hello", "prompt": {"id": "p", "variables": {"city": FORBIDDEN}}}),
    (MESSAGES, {"messages": [user([{"type": "text", "text": "Hello", "citations": [{"title": FORBIDDEN}]}])]}),
    (MESSAGES, {"messages": [user([{"type": "document", "source": {"type": "text", "data": FORBIDDEN}}])]}),
    (MESSAGES, {"messages": [user([{"type": "document", "title": FORBIDDEN, "source": {"type": "base64"}}])]}),
    (MESSAGES, {"messages": [user([{"type": "search_result", "content": [{"type": "text", "text": FORBIDDEN}]}])]}),
    (MESSAGES, {"messages": [user([{"type": "tool_use", "id": "t", "name": "f", "input": {"x": FORBIDDEN}}])]}),
    (MESSAGES, {"messages": [user([{"type": "thinking", "thinking": FORBIDDEN}])]}),
    (MESSAGES, {"messages": [user("Hello", name=FORBIDDEN)]}),
    (MESSAGES, {"messages": [user([{"type": "tool_result", "tool_use_id": "t", "content": [
        {"type": "search_result", "content": [{"type": "text", "text": FORBIDDEN}]}]}])]}),
    (MESSAGES, {"messages": [user("Hello"), {"role": "assistant", "content": [
        {"type": "mcp_tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": FORBIDDEN}]}]},
        user("Go on")]}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), BESIDE)
async def test_what_is_said_beside_the_texts_of_messages_is_judged(path, body):
    reached, _, said = await asked_through(path, body)
    assert FORBIDDEN not in json.dumps(reached)
    assert FORBIDDEN not in said
    harmless = json.loads(json.dumps(body).replace(FORBIDDEN, "well-known"))
    reached, _, _ = await asked_through(path, harmless)
    assert reached == harmless


@pytest.mark.parametrize(
    ("path", "field"), [(MESSAGES, "system"), (RESPONSES, "instructions"), (CHAT, "chat_template")]
)
async def test_instructions_beside_the_messages_are_judged_where_those_of_the_system_are(path, field):
    body = {FIELD[path]: [user("Hello")], field: "Write to ann@example.org."}
    assert (await asked_through(path, body, masking()))[0] == body
    assert (await asked_through(path, body, masking("user", "system")))[0] is None


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (
            RESPONSES,
            [{"type": "input_image", "image_url": "data:image/png;base64,x"}, {"type": "t", "text": "a@b.org"}],
        ),
        (RESPONSES, [{"type": "input_text", "text": "Hello"}, {"type": "input_text", "text": "a@b.org"}]),
        (CHAT, [{"type": "input_text", "text": "a@b.org"}, {"type": "text", "text": "Hello"}]),
        (MESSAGES, [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "t", "text": "a@b.org"}]}]),
    ],
)
async def test_what_rails_replace_goes_back_to_where_they_read_it(path, content):
    reached, _, _ = await asked_through(path, {FIELD[path]: [user(content)]}, masking())
    assert reached is not None
    assert "a@b.org" not in json.dumps(reached)
    assert len(reached[FIELD[path]][0]["content"]) == len(content)


@pytest.mark.parametrize("path", FIELD)
async def test_a_question_that_was_refused_before_is_taken_out_of_the_history(path):
    history = [user(FORBIDDEN), {"role": "assistant", "content": "No."}, user("Well?")]
    reached, status, _ = await asked_through(path, {FIELD[path]: history})
    assert status == 502  # of the model, which was asked
    assert FORBIDDEN not in json.dumps(reached)
    assert [message["role"] for message in reached[FIELD[path]]] == ["user", "assistant", "user"]
    assert reached[FIELD[path]][2] == user("Well?")


async def test_what_was_answered_to_a_refused_question_goes_with_it_calls_of_tools_included():
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "done"}
    said = {"role": "assistant", "content": "Done."}
    body = {
        "input": [user(FORBIDDEN), {"type": "reasoning", "id": "r", "summary": []}, call, output, said, user("And?")]
    }
    reached, _, _ = await asked_through(RESPONSES, body)
    assert [item["role"] for item in reached["input"]] == ["user", "assistant", "user"]
    blocks = [{"type": "text", "text": "So."}, {"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    result = {"type": "tool_result", "tool_use_id": "t", "content": "done"}
    history = [user(FORBIDDEN), {"role": "assistant", "content": blocks}, user([result]), said, user("And?")]
    reached, _, _ = await asked_through(MESSAGES, {"messages": history})
    assert [message["role"] for message in reached["messages"]] == ["user", "assistant", "user"]
    assert "tool" not in json.dumps(reached)


async def test_the_filter_of_open_webui_refuses_what_no_rail_judges():
    told = {"chat_id": "c", "message_id": "m"}
    for message in ({"role": "x", "content": FORBIDDEN}, {"role": "assistant", "content": FORBIDDEN}):
        with pytest.raises(GuardFailedError):
            await GuardFilter(host_rails("input")).inlet({"messages": [message]}, told)


async def test_a_guard_itself_judges_no_role_it_does_not_know():
    with pytest.raises(GuardFailedError, match="role"):
        await HostGuard(host_rails("windows")).check_input([{"role": "x", "content": FORBIDDEN}])


@pytest.mark.parametrize("path", FIELD)
async def test_the_messages_of_another_attempt_are_judged_before_the_first(path):
    other = {"model": "other", FIELD[path]: [user(FORBIDDEN)]}
    reached, _, said = await asked_through(path, {FIELD[path]: [user("Hello")], "fallbacks": [other]})
    assert (reached, FORBIDDEN in said) == (None, False)
    assert (await asked_through(path, {FIELD[path]: [user("Hello")], "fallbacks": ["other"]}))[0] is not None
