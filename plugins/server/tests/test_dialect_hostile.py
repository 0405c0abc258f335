"""Bodies that no client library would send: each is answered with an error in the dialect's shape, and none breaks."""

from __future__ import annotations

import pytest
from dialects import PATHS, body, read
from fakes import FakeProvider
from handrail import Chunk, ToolCallDelta
from handrail_server import _policy
from handrail_server._webhook_shapes import SHAPES

USER = {"role": "user", "content": "Hi"}
FORM = {"type": "json_schema", "name": "n", "schema": {}}
RESPONSES = {
    "model": "a",
    "input": [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low", "file_id": None},
                {"type": "input_file", "file_data": "d", "filename": "f"},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            ],
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "h"}], "content": [{"text": "x"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "r"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "a"}]},
        {"type": "custom_tool_call", "call_id": "c2", "name": "f", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "x"},
        USER,
    ],
    "instructions": "i",
    "previous_response_id": None,
    "store": False,
    "stream": False,
    "stream_options": {},
    "background": False,
    "max_output_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "parallel_tool_calls": True,
    "tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": True},
        {"type": "custom", "name": "g", "format": {"type": "grammar", "definition": "x", "syntax": "y"}},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    "text": {"format": FORM, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": [],
    "truncation": "disabled",
    "metadata": {"a": "b"},
    "guardrails": {"config_id": "a"},
    "max_tool_calls": None,
    "prompt": None,
    "conversation": None,
}
CACHED = {"cache_control": {"type": "ephemeral"}}
MESSAGES = {
    "model": "a",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "s", **CACHED}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "citations": []},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "A"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "q"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "content": [{"type": "text", "text": "x"}],
                    "is_error": True,
                    **CACHED,
                }
            ],
        },
        USER,
    ],
    "stream": False,
    "stop_sequences": ["x"],
    "temperature": 0.5,
    "top_p": 0.5,
    "tools": [{"name": "f", "description": "d", "input_schema": {}, **CACHED}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 5},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "metadata": {"user_id": "u"},
    "guardrails": {"config_id": "a"},
    "container": None,
    "mcp_servers": [],
    "context_management": {},
}
WRONG = (10**30, [[]], {"type": []}, [{"type": {}}])


def places(value, path=()):
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def put(value, path, new):
    if not path:
        return new
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = put(value[path[0]], path[1:], new)
    return made


FILE = {"type": "file", "file": {"file_data": "aGk=", "filename": "a.txt"}}
CHAT = [{"role": "user", "content": [{"type": "text", "text": "a"}, FILE]}]
CHOICES = [{"index": 0, "message": {"role": "assistant", "content": "a", "tool_calls": []}}]
PLACES = {
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": MESSAGES,
    "/v1/checks": {"model": "a", "messages": CHAT, "context": {"a": 1}, "rail_types": None},
    f"/v1/checks{SHAPES[0].path}": {
        "texts": ["a"],
        "input_type": "request",
        "structured_messages": CHAT,
        "images": [""],
    },
    "/v1/checks/portkey": {"eventType": "afterRequestHook", "response": {"json": {"choices": CHOICES}, "text": "a"}},
    "/v1/checks/dify": {"point": "app.moderation.input", "params": {"inputs": {"a": [FILE]}, "query": "a"}},
    "/v1/checks/kgateway/request": {"body": {"messages": [{"role": "user", "content": "a"}]}},
}


@pytest.mark.parametrize(("path", "good"), PLACES.items(), ids=PLACES)
async def test_no_field_of_a_wrong_type_breaks_the_server(serve, fake, path, good):
    client = serve({"a": fake()}, provider=FakeProvider(["ok"]))
    assert (await client.post(path, good)).status == 200
    for place in places(good):
        for wrong in WRONG:
            told = await client.post(path, put(good, place, wrong))
            assert told.status < 500, (place, wrong)
            if told.status != 200:
                assert set(told.error) == {"message", "type", "param", "code"}, (place, wrong)
                assert told.json.get("type") == ("error" if "/messages" in path else None)


TWICE = {
    "messages": ("responses", {"messages": [USER]}),
    "max_tokens": ("responses", {"max_output_tokens": 5, "max_tokens": 500}),
    "thread_id": ("responses", {"thread_id": "a-thread-of-at-least-16"}),
    "stop": ("messages", {"stop_sequences": ["x"], "stop": ["y"]}),
    "reasoning_effort": ("messages", {"output_config": {"effort": "low"}, "reasoning_effort": "high"}),
}


@pytest.mark.parametrize("param", TWICE)
async def test_a_field_of_chat_completions_never_stands_in_for_the_dialects_own(serve, fake, param):
    dialect, more = TWICE[param]
    provider = FakeProvider(["ok"])
    told = await serve({"a": fake()}, provider=provider).post(PATHS[dialect], body(dialect, **more))
    assert (told.status, told.error["param"], provider.opened) == (400, param, 0)


@pytest.mark.parametrize("dialect", ["responses", "messages"])
@pytest.mark.parametrize(
    "raw", [b'{"model":"a","%b":"\\ud800"}', b'{"model":"a","%b":%b}' % (b"%b", b"[" * 5000), b'{"%b":9e99999}', b"[]"]
)
async def test_a_body_that_no_decoder_takes_is_an_error(serve, fake, dialect, raw):
    raw = raw.replace(b"%b", b"input" if dialect == "responses" else b"messages")
    told = await serve({"a": fake()}).post(PATHS[dialect], raw)
    assert (told.status, told.json.get("type")) == (400, "error" if dialect == "messages" else None)


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("stream", [True, False])
async def test_arguments_too_deep_to_be_read_break_no_answer(serve, fake, dialect, stream):
    deep = '{"a":' + "[" * 3000 + "]" * 3000 + "}"
    chunks = [
        Chunk(tool_calls=(ToolCallDelta(0, "c1", "f", deep),)),
        Chunk(tool_calls=(ToolCallDelta(1, "c2", "g", "{}"),)),
        "And text.",
        Chunk(finish_reason="tool_calls"),
    ]
    told = await serve({"a": fake()}, provider=FakeProvider(chunks)).post(PATHS[dialect], body(dialect, stream=stream))
    if dialect == "messages" and not stream:  # whose arguments are an object
        assert (told.status, told.error["code"]) == (502, "model_failed")
    elif dialect == "messages":
        assert read(dialect, told, stream=True).error["code"] == "model_failed"
    else:
        assert read(dialect, told, stream=stream).calls[0] == ("c1", "f", deep)


@pytest.mark.parametrize("dialect", PATHS)
async def test_an_endless_name_of_a_field_is_neither_compared_nor_repeated(serve, fake, dialect, monkeypatch):
    """Comparing three megabytes holds up everybody for half a second."""
    compared = []
    monkeypatch.setattr(_policy, "get_close_matches", lambda word, *_, **__: compared.append(len(word)) or [])
    client = serve({"a": fake()})
    message = {**USER, "k" * 1_000_000: 1}
    name = "input" if dialect == "responses" else "messages"
    for wrong in ({"k" * 1_000_000: 1}, {name: [message]}):
        told = await client.post(PATHS[dialect], {**body(dialect), **wrong})
        assert told.status == 400
        assert len(told.body) < 2000
    assert compared == [64]
