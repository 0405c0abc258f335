"""What platforms get that ask a webhook, in their own words; what they take for a yes is one."""

from __future__ import annotations

import json
import re

import pytest
from fakes import FunctionRail
from handrail import Edit, Verdict

REFUSAL = "I'm sorry, I can't respond to that."
FAILURE = "I'm sorry, an internal error has occurred."
LITELLM = "/v1/checks/litellm/beta/litellm_basic_guardrail_api"


def judged(window):
    """Refuse what is bad, redact what is secret, and fail where it is said so."""
    if "bad" in window.text:
        return Verdict.block("it is bad")
    if "broken" in window.text:
        raise RuntimeError(window.text)
    edits = [Edit(*window.span(*found.span()), "***") for found in re.finditer("secret", window.text)]
    return Verdict.rewrite(edits) if edits else Verdict.allow()


@pytest.fixture
def asked(serve, fake):
    """A function that asks as a platform does, and returns what the platform gets."""
    client = serve({"a": fake(output=["words"], input_=["words"])}, rails={"words": FunctionRail(judged)})

    async def ask(path, body):
        answer = await client.post(path, body)
        assert answer.status == 200, answer.body
        assert "bad" not in answer.body.decode()
        return answer.json

    return ask


def call(arguments):
    return {"id": "c", "type": "function", "function": {"name": "pay", "arguments": json.dumps(arguments)}}


@pytest.mark.parametrize("kind", ["request", "response"])
async def test_litellm_gets_an_action(asked, kind):
    async def ask(*texts, **more):
        return await asked(
            LITELLM, {"input_type": kind, "texts": list(texts), "images": [], "request_data": {}, **more}
        )

    assert await ask("fine", "") == {"action": "NONE"}
    assert await ask() == {"action": "NONE"}
    changed = {"action": "GUARDRAIL_INTERVENED", "texts": ["fine", "a *** thing", '{"a": "***"}']}
    assert await ask("fine", "a secret thing", '{"a": "secret"}') == changed
    assert await ask("fine", "bad") == {"action": "BLOCKED", "blocked_reason": REFUSAL}
    assert await ask("broken") == {"action": "BLOCKED", "blocked_reason": FAILURE}
    assert await ask("fine", tool_calls=[call({"to": "Ada"})]) == {"action": "NONE"}
    for refused in ("bad", "broken", "secret"):
        found = await ask("fine", tool_calls=[call({"to": refused})])
        assert found["action"] == "BLOCKED", "LiteLLM cannot rewrite a tool call"


async def test_portkey_gets_a_verdict_on_requests(asked):
    async def ask(*contents, **request):
        messages = [{"role": "user", "content": content} for content in contents]
        side = {"json": {"model": "m", "messages": messages}, "text": "x", "isStreamingRequest": False, **request}
        body = {"request": side, "response": {"json": {}, "text": "", "statusCode": None}}
        return await asked("/v1/checks/portkey", {**body, "eventType": "beforeRequestHook"})

    assert await ask("fine") == {"verdict": True}
    parts = [{"type": "text", "text": "secret"}, {"type": "image_url", "image_url": {"url": "x"}}]
    found = await ask("fine", "secret", parts)
    messages = found["transformedData"]["request"]["json"]["messages"]
    assert [one["content"] for one in messages] == ["fine", "***", [{"type": "text", "text": "***"}, parts[1]]]
    assert found["transformedData"]["request"]["json"]["model"] == "m"
    for refused in ("bad", "broken"):
        assert (await ask("fine", refused))["verdict"] is False
    assert await ask(json={"prompt": "secret"}) == {
        "verdict": True,
        "transformedData": {"request": {"json": {"prompt": "***"}}},
    }
    assert (await ask(json={}, text="bad"))["verdict"] is False
    assert (await ask(json=None, text="secret"))["verdict"] is False, "there is nothing to put a text back into"


async def test_portkey_gets_a_verdict_on_answers(asked):
    async def ask(content, calls=None):
        message = {"role": "assistant", "content": content, "tool_calls": calls}
        response = {"json": {"id": "x", "choices": [{"index": 0, "message": message}]}, "text": "x", "statusCode": 200}
        body = {"request": {"json": {"messages": []}}, "response": response, "eventType": "afterRequestHook"}
        return await asked("/v1/checks/portkey", body)

    assert await ask("fine") == {"verdict": True}
    found = await ask("a secret")
    assert found["transformedData"]["response"]["json"]["choices"][0]["message"]["content"] == "a ***"
    assert (await ask("bad"))["verdict"] is False
    assert (await ask(None, [call({"a": "fine"})]))["verdict"] is True
    assert (await ask(None, [call({"a": "bad"})]))["verdict"] is False


async def test_dify_gets_a_flag(asked):
    async def ask(point, **params):
        return await asked("/v1/checks/dify", {"point": point, "params": params})

    passed = {"flagged": False, "action": "direct_output"}
    assert await ask("ping") == {"result": "pong"}
    assert await ask("app.moderation.input", app_id="x", inputs={"a": "fine", "n": 5}, query=None) == passed
    assert await ask("app.moderation.input", inputs={"a": "secret", "n": 5}, query="a secret") == {
        "flagged": True,
        "action": "overridden",
        "inputs": {"a": "***", "n": 5},
        "query": "a ***",
    }
    refused = {"flagged": True, "action": "direct_output", "preset_response": REFUSAL}
    assert await ask("app.moderation.input", inputs={"a": "bad"}, query="fine") == refused
    assert await ask("app.moderation.input", inputs={"a": ["secret"]}, query="fine") == refused, "it is no text"
    assert await ask("app.moderation.output", text="fine") == passed
    assert (await ask("app.moderation.output", text="a secret"))["text"] == "a ***"
    assert await ask("app.moderation.output", text="bad") == refused
    assert (await ask("app.moderation.output", text="broken"))["preset_response"] == FAILURE


async def test_kgateway_gets_an_action_without_a_name(asked):
    async def ask(*contents, side="request"):
        messages = [{"role": "User", "content": content} for content in contents]
        inside = {"messages": messages} if side == "request" else {"choices": [{"message": one} for one in messages]}
        return (await asked(f"/v1/checks/kgateway/{side}", {"body": inside}))["action"]

    for side in ("request", "response"):
        assert set(await ask("fine", side=side)) == {"reason"}, "a body would be taken for another action"
        assert await ask("fine", "bad", side=side) == {"body": REFUSAL, "status_code": 403, "reason": "refused"}
        assert (await ask("broken", side=side))["status_code"] == 403
    assert (await ask("fine", "secret"))["body"] == {
        "messages": [{"role": "User", "content": "fine"}, {"role": "User", "content": "***"}]
    }
    assert (await ask("secret", side="response"))["body"] == {
        "choices": [{"message": {"role": "User", "content": "***"}}]
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LITELLM, {"texts": ["x"]}),
        (LITELLM, {"texts": "x", "input_type": "request"}),
        (LITELLM, {"texts": [5], "input_type": "request"}),
        (LITELLM, {"texts": [], "tool_calls": ["x"], "input_type": "response"}),
        ("/v1/checks/portkey", {"eventType": "beforeRequestHook"}),
        ("/v1/checks/portkey", {"eventType": "other", "request": {"json": {}}}),
        ("/v1/checks/portkey", {"eventType": "beforeRequestHook", "request": {"json": {"messages": [{"content": 5}]}}}),
        ("/v1/checks/dify", {"point": "app.external_data_tool.query", "params": {}}),
        ("/v1/checks/dify", {"point": "app.moderation.output", "params": {}}),
        ("/v1/checks/dify", {"point": "app.moderation.input", "params": {"inputs": ["x"]}}),
        ("/v1/checks/kgateway/request", {"body": {"messages": [{"role": "user"}]}}),
        ("/v1/checks/kgateway/response", {"body": {"messages": []}}),
    ],
)
async def test_a_body_that_the_platform_does_not_document_is_an_error_and_no_yes(serve, fake, path, body):
    client = serve({"a": fake(output=["words"], input_=["words"])}, rails={"words": FunctionRail(judged)})
    answer = await client.post(path, body)
    assert answer.status == 400
    assert answer.error["code"]


async def test_a_platform_asks_with_its_key_and_may_name_a_configuration(serve, fake, monkeypatch):
    monkeypatch.setenv("SERVER_KEYS", "first-key")
    rails = {"words": FunctionRail(judged)}
    client = serve({"a": fake(), "b": fake(input_=["words"])}, rails=rails, api_key_env="SERVER_KEYS")
    app = client.app

    async def with_query(scope, receive, send):
        path, _, query = scope["path"].partition("?")
        await app({**scope, "path": path, "raw_path": path.encode(), "query_string": query.encode()}, receive, send)

    client.app = with_query
    body = {"point": "app.moderation.input", "params": {"inputs": {}, "query": "bad"}}
    assert (await client.post("/v1/checks/dify?config_id=b", body)).status == 401
    key = {"authorization": "Bearer first-key"}
    assert (await client.post("/v1/checks/dify?config_id=b", body, headers=key)).json["flagged"] is True
    assert (await client.post("/v1/checks/dify?config_id=c", body, headers=key)).status == 404
