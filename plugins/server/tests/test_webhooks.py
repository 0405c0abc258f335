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


HIDDEN = {
    "beside a text that is none": ("request", {"messages": [{"role": "user", "content": "bad"}]}, None),
    "in the result of a tool": (
        "request",
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "bad"}]}]},
        "x",
    ),
    "in a document": (
        "request",
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "bad"}}]}]},
        "x",
    ),
    "in a file": (
        "request",
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "YSBiYWQ="}}]}]},
        "x",
    ),
    "in the name of a file": (
        "request",
        {"messages": [{"role": "user", "content": [{"type": "input_file", "filename": "bad.pdf"}]}]},
        "x",
    ),
    "in a document of base64": (
        "request",
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"data": "YSBiYWQ="}}]}]},
        "x",
    ),
    "in Gemini's data": ("request", {"contents": [{"parts": [{"inlineData": {"data": "YSBiYWQ="}}]}]}, "x"),
    "in a large file": (
        "request",
        {"input": [{"content": [{"file_data": "data:text/plain," + 5000 * "x" + "%20bad"}]}]},
        "x",
    ),
    "in two parts": (
        "request",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "ba"}, {"type": "text", "text": "d"}]}]},
        "x",
    ),
    "in a name": ("request", {"messages": [{"role": "user", "content": "x", "name": "bad"}]}, "x"),
    "in a list of prompts": ("request", {"prompt": ["bad"]}, "x"),
    "in a second field": ("request", {"prompt": "x", "input": "bad"}, "x"),
    "in items": ("request", {"input": [{"role": "user", "content": "bad"}]}, "x"),
    "in instructions": ("request", {"system": "bad", "messages": [{"role": "user", "content": "x"}]}, "x"),
    "in Gemini's contents": ("request", {"contents": [{"parts": [{"text": "bad"}]}]}, "x"),
    "in a completion": ("response", {"choices": [{"text": "bad"}]}, "x"),
    "in Anthropic's answer": ("response", {"content": [{"type": "text", "text": "bad"}]}, "x"),
    "in Anthropic's call": ("response", {"content": [{"type": "tool_use", "input": {"a": "bad"}}]}, "x"),
    "in output items": ("response", {"output": [{"content": [{"text": "bad"}]}]}, "x"),
    "in two parts of an answer": (
        "response",
        {"choices": [{"message": {"content": [{"type": "text", "text": "ba"}, {"type": "text", "text": "d"}]}}]},
        "x",
    ),
    "in a refusal": ("response", {"choices": [{"message": {"content": "x", "refusal": "bad"}}]}, "x"),
    "in reasoning": ("response", {"choices": [{"message": {"content": "x", "reasoning_content": "bad"}}]}, "x"),
    "in an older call": (
        "response",
        {"choices": [{"message": {"content": "x", "function_call": {"name": "f", "arguments": '{"a": "b\\u0061d"}'}}}]},
        "x",
    ),
    "in the name of a call": (
        "response",
        {"choices": [{"message": {"content": "x", "tool_calls": [{"function": {"name": "bad", "arguments": "{}"}}]}}]},
        "x",
    ),
}


@pytest.mark.parametrize(("side", "value", "text"), HIDDEN.values(), ids=HIDDEN)
async def test_portkey_never_passes_what_nobody_judged(asked, side, value, text):
    """Whatever the protocol of the request that Portkey passes on."""
    event = {"request": "beforeRequestHook", "response": "afterRequestHook"}[side]
    found = await asked("/v1/checks/portkey", {"eventType": event, side: {"json": value, "text": text}})
    assert found["verdict"] is False


async def test_what_has_no_words_needs_no_second_check(serve, fake):
    seen = []
    rail = FunctionRail(lambda window: seen.append(window.text) or Verdict.allow())
    client = serve({"a": fake(output=["words"], input_=["words"])}, rails={"words": rail})
    choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
    value = {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-5", "created": 1, "choices": [choice]}
    body = {"eventType": "afterRequestHook", "response": {"json": value, "text": "fine"}}
    assert (await client.post("/v1/checks/portkey", body)).json == {"verdict": True}
    assert seen == ["fine"]


async def test_a_rewrite_across_parts_is_put_back_into_them(asked):
    parts = [{"type": "text", "text": "a sec"}, {"type": "text", "text": "ret thing"}]
    request = {"json": {"messages": [{"role": "user", "content": parts}]}, "text": "x"}
    found = await asked("/v1/checks/portkey", {"eventType": "beforeRequestHook", "request": request})
    changed = found["transformedData"]["request"]["json"]["messages"][0]["content"]
    assert "".join(part["text"] for part in changed) == "a *** thing"


async def test_a_rewritten_answer_has_no_probabilities_of_its_old_tokens(asked):
    choice = {"message": {"content": "a secret"}, "logprobs": {"content": [{"token": "secret"}]}}
    body = {"eventType": "afterRequestHook", "response": {"json": {"choices": [choice]}, "text": "x"}}
    found = await asked("/v1/checks/portkey", body)
    assert found["transformedData"]["response"]["json"]["choices"] == [
        {"message": {"content": "a ***"}, "logprobs": None}
    ]


async def test_litellm_messages_without_texts_are_judged(asked):
    body = {"input_type": "request", "structured_messages": [{"role": "user", "content": "bad"}]}
    assert (await asked(LITELLM, body))["action"] == "BLOCKED"


@pytest.mark.parametrize(
    "more",
    [
        {"structured_messages": [{"role": "user", "content": [{"type": "file", "file": {"filename": "bad"}}]}]},
        {"structured_messages": [{"content": [{"type": "file", "file": {"file_data": "data:,bad"}}]}]},
        {"structured_messages": [{"role": "user", "name": "bad", "content": "x"}]},
        {"structured_messages": [{"role": "user", "content": [{"type": "text", "text": "x", "title": "a bad one"}]}]},
        {"images": ["data:text/plain;base64,YmFk"]},
        {
            "structured_messages": [
                {"role": "user", "content": [{"type": "file", "base64": "YmFk", "mime_type": "a/b"}]}
            ]
        },
        {"images": ["data:application/pdf;base64,YmFk/w=="]},
        {"images": ["data:;base64,AGJhZA=="]},
    ],
    ids=str,
)
async def test_litellm_files_and_names_are_judged_beside_texts(asked, more):
    assert (await asked(LITELLM, {"input_type": "request", "texts": ["x"], **more}))["action"] == "BLOCKED"


async def test_texts_that_litellm_tells_apart_are_judged_once(asked):
    said = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "bad", "tool_calls": [call({"a": "bad"})]},
    ]
    body = {"input_type": "request", "texts": ["x"], "structured_messages": said}
    assert (await asked(LITELLM, body))["action"] == "NONE"


@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
async def test_instructions_in_the_words_of_gemini_are_judged_beside_messages(asked, name):
    value = {"contents": [{"parts": [{"text": "x"}]}], name: {"parts": [{"text": "bad"}]}}
    found = await asked("/v1/checks/portkey", {"eventType": "beforeRequestHook", "request": {"json": value}})
    assert found["verdict"] is False


async def test_dify_files_are_judged(asked):
    params = {"inputs": {"a": {"url": "data:text/plain;base64,YmFk"}}, "query": "x"}
    found = await asked("/v1/checks/dify", {"point": "app.moderation.input", "params": params})
    assert found["flagged"] is True


async def test_kgateway_calls_are_judged(asked):
    message = {"role": "assistant", "content": "", "tool_calls": [call({"a": "bad"})]}
    found = await asked("/v1/checks/kgateway/response", {"body": {"choices": [{"message": message}]}})
    assert found["action"]["status_code"] == 403


@pytest.mark.parametrize(("limits", "texts"), [({"messages": 2}, ["x"] * 3), ({"body_bytes": 100}, ["x" * 200])])
async def test_what_is_too_much_to_judge_is_refused_and_no_error(serve, fake, limits, texts):
    """Strangers decide how much they write, and an error would be a yes to some platforms."""
    client = serve({"a": fake(input_=["words"])}, rails={"words": FunctionRail(judged)}, limits=limits)
    answer = await client.post(LITELLM, {"input_type": "request", "texts": texts})
    assert (answer.status, answer.json["action"]) == (200, "BLOCKED")


async def test_a_platform_combines_only_what_the_operator_lets_it(serve, fake):
    client = serve({"a": fake(), "b": fake()}, policy={"combinations": [["a", "b"]]})
    body = {"point": "ping"}
    for query, status in (("config_id=a&config_id=b", 200), ("config_id=b&config_id=a", 403), ("config_id=b", 200)):
        answer = await client.post("/v1/checks/dify", body, query=query)
        assert answer.status == status
