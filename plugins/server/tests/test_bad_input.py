"""Everything a client can send that is wrong: an error in OpenAI's form that names the field, and never a 500."""

from __future__ import annotations

import re

import anyio
import pytest

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (b"", 400, "no_body", "messages"),
        (b"{", 400, "invalid_json", "JSON"),
        (b'{"messages": "\xff"}', 400, "invalid_json", "JSON"),
        (b"[" * 10_000, 400, "invalid_json", "JSON"),
        (b"[]", 400, "invalid_value", "body"),
        (b"null", 400, "invalid_value", "body"),
        ({}, 400, "invalid_value", "'messages': it is required"),
        ({"messages": []}, 400, "invalid_value", "messages"),
        ({"messages": "hi"}, 400, "invalid_value", "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, 400, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, 400, "invalid_value", "messages[0].content"),
        ({"messages": [{"role": "user"}]}, 400, "invalid_request", "messages[0]"),
        ({"messages": [{"content": "x"}]}, 400, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": "context", "content": {"a": 1}}]}, 400, "invalid_value", "messages[0].role"),
        ({"messages": HELLO, "stream": "true"}, 400, "invalid_value", "stream"),
        ({"messages": HELLO, "stream": 1}, 400, "invalid_value", "stream"),
        ({"messages": HELLO, "config_id": "nope"}, 404, "config_not_found", "Unknown configuration"),
        ({"messages": HELLO, "config_id": ""}, 400, "invalid_value", "config_id"),
        ({"messages": HELLO, "config_id": 7}, 400, "invalid_value", "config_id"),
        ({"messages": HELLO, "config_ids": []}, 400, "invalid_value", "config_ids"),
        ({"messages": HELLO, "config_ids": ["a", "../a"]}, 403, "not_allowed", "operator"),
        (
            {"messages": HELLO, "config_id": "a", "guardrails": {"config_id": "a"}},
            400,
            "invalid_value",
            "more than once",
        ),
        ({"messages": HELLO, "thread_id": "short"}, 400, "invalid_value", "thread_id"),
        ({"messages": HELLO, "thread_id": "x" * 300}, 400, "invalid_value", "thread_id"),
        ({"messages": HELLO, "temperature": "hot"}, 400, "invalid_value", "temperature"),
        ({"messages": HELLO, "temperature": 9}, 400, "invalid_value", "temperature"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400, "invalid_value", "temperature"),
        ({"messages": HELLO, "max_tokens": 0}, 400, "invalid_value", "max_tokens"),
        ({"messages": HELLO, "n": 2}, 400, "invalid_value", "send it several times"),
        ({"messages": HELLO, "logprobs": True}, 400, "unsupported_value", "probabilities"),
        ({"messages": HELLO, "stream_options": {"include_usage": True}}, 400, "invalid_value", "stream_options"),
        ({"messages": HELLO, "top_logprobs": 2}, 400, "unsupported_value", "ask without them"),
        ({"messages": HELLO, "warp": 9}, 400, "unknown_parameter", "'warp'"),
        ({"messages": HELLO, "temprature": 1}, 400, "unknown_parameter", "did you mean 'temperature'"),
        ({"messages": HELLO, "options": {"wrap": 1}}, 400, "invalid_value", "options.wrap"),
        ({"messages": HELLO, "options": {"llm_params": {"warp": 1}}}, 400, "unknown_parameter", "warp"),
        ({"messages": HELLO, "guardrails": {"config": "a"}}, 400, "invalid_value", "guardrails.config"),
        ({"messages": HELLO, "model": "gpt-9"}, 404, "model_not_found", "model 'gpt-9'; GET /v1/models lists"),
        ({"messages": HELLO, "context": []}, 400, "invalid_value", "context"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "Sure,"}]}, 400, "invalid_value", "last message"),
    ],
)
async def test_wrong_body_is_told_what_is_wrong(serve, config, body, status, code, says):
    answer = await serve({"a": config()}).post("/v1/chat/completions", body)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert says.lower() in answer.error["message"].lower()
    assert set(answer.error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "name", [".", "..", "a/b", "../a", "a\\b", "/etc", "a\x00b", "~", ".hidden", "link", "a/", "%2e"]
)
async def test_id_is_a_name_and_never_a_path(serve, config, write, root, tmp_path, name):
    write(tmp_path, "outside", config(["outside"]))
    write(root, ".hidden", config(["hidden"]))
    (root / "link").symlink_to(tmp_path / "outside")
    client = serve({"a": config()})
    assert (await client.chat(config_id=name)).status == 404
    assert (await client.get("/v1/rails/configs")).json == [{"id": "a"}]


async def test_request_without_a_configuration_is_told_where_they_are_listed(serve, config):
    client = serve({"first": config(), "second": config()})
    for fields, status, code in (({}, 400, "no_config"), ({"model": "gpt-9"}, 404, "model_not_found")):
        answer = await client.chat(**fields)
        assert (answer.status, answer.error["code"]) == (status, code)
        assert not re.search("first|second", answer.body.decode())


async def test_huge_bodies_and_conversations_are_refused(serve, config):
    client = serve({"a": config()}, limits={"body_bytes": 1000, "messages": 3})
    answer = await client.post("/v1/chat/completions", b"x" * 1001)
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    answer = await client.chat(messages=[{"role": "user", "content": "x"}] * 4)
    assert (answer.status, answer.error["code"]) == (400, "too_many_messages")


async def test_body_that_does_not_come_is_given_up(serve, config):
    client = serve({"a": config()}, limits={"body_seconds": 0.05})
    answer = await client.ask("POST", "/v1/chat/completions", parts=[b"{", anyio.sleep_forever])
    assert (answer.status, answer.error["code"]) == (408, "body_timeout")


async def test_other_content_types_are_refused(serve, config):
    """A web page may send plain text to a local server without being asked; JSON it may not."""
    client = serve({"a": config()})
    for kind in ("text/plain", "", "application/x-www-form-urlencoded"):
        answer = await client.chat(headers={"content-type": kind})
        assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


async def test_unknown_paths_and_methods_answer_in_the_same_form(serve, config):
    client = serve({"a": config()})
    assert (await client.get("/v2")).error["code"] == "not_found"
    answer = await client.get("/v1/chat/completions")
    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")


async def test_checks_take_what_they_need_only(serve, config):
    client = serve({"a": config()})
    for body in ({"messages": []}, {"messages": HELLO, "stream": True}, {"messages": HELLO, "rail_types": ["x"]}):
        assert (await client.post("/v1/checks", body)).status == 400


async def test_compressed_body_is_refused_before_it_is_read(serve, config):
    """A few kilobytes could become gigabytes."""
    answer = await serve({"a": config()}).chat(headers={"content-encoding": "gzip"})
    assert (answer.status, answer.error["param"]) == (415, "Content-Encoding")


async def test_body_that_says_it_is_too_large_is_not_read(serve, config):
    async def unread() -> None:
        raise AssertionError("the body was read")

    client = serve({"a": config()}, limits={"body_bytes": 1000})
    headers = {"content-length": "1001"}
    answer = await client.ask("POST", "/v1/chat/completions", headers=headers, parts=[unread])
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
