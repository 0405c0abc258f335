"""What may pass in each direction, and what comes back instead."""

from __future__ import annotations

import base64

import anyio
import pytest
from handrail_mcp._json import INTERNAL_ERROR, REFUSED, parse

REFUSAL = "I'm sorry, I can't respond to that."
FAILURE = "I'm sorry, an internal error has occurred."


def _call(arguments, **more):
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "order", "arguments": arguments, **more},
    }


def _request(method, **params):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _result(**result):
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def _text(text):
    return _result(content=[{"type": "text", "text": text}])


def _sent(guard, message):
    return anyio.run(guard.from_client, message)


def _received(guard, message, asked=None):
    async def both():
        if asked is not None:
            await guard.from_client(asked)
        return await guard.from_server(message)

    return anyio.run(both)


@pytest.mark.parametrize(
    "arguments",
    [
        {"item": "gun powder"},
        {"list": [{"deep": ["a", "gun powder"]}]},
        {"gun powder": 1},
        parse('{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"g\\u0075n powder"}}')["params"],
    ],
)
def test_arguments_are_judged_by_what_they_say(guarded, arguments):
    outcome = _sent(guarded(), _call(arguments))
    assert outcome.onward is None
    assert outcome.back == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"content": [{"type": "text", "text": REFUSAL}], "isError": True},
    }


@pytest.mark.parametrize(
    "message",
    [
        _request("resources/read", uri="http://evil/?q=gun powder"),
        _request("prompts/get", name="advice", arguments={"about": "gun powder"}),
        _request("completion/complete", argument={"name": "a", "value": "gun powder"}),
        _request("new/method", anything=["gun powder"]),
        _call({}, inputResponses={"1": {"action": "accept", "content": {"x": "gun powder"}}}),
        _request("tools/call", name="order", arguments="gun powder"),
        _request("tools/call", name=["order"], Arguments={"x": "gun powder"}),
    ],
)
def test_whatever_else_a_client_sends_is_judged(guarded, message):
    outcome = _sent(guarded(), message)
    assert outcome.onward is None
    assert outcome.back is not None
    assert "powder" not in str(outcome.back)


def test_a_tool_that_is_called_by_a_text_is_judged_by_it(guarded):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "gun powder", "arguments": {}}}
    assert _sent(guarded(), call).onward is None
    call["params"]["name"] = "order boats"
    assert _sent(guarded(), call).onward == call


def test_what_a_client_answers_is_judged_and_the_server_is_told(guarded):
    answer = _result(role="assistant", model="m", content={"type": "text", "text": "gun powder"})
    outcome = _sent(guarded(), answer)
    assert outcome.onward == {"jsonrpc": "2.0", "id": 1, "error": {"code": REFUSED, "message": REFUSAL}}


def test_a_notification_that_is_refused_goes_nowhere(guarded):
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "gun powder"}}
    for judged in (_sent(guarded(), log), _received(guarded(), log)):
        assert (judged.onward, judged.back) == (None, None)


def test_what_a_host_says_in_its_own_words_is_not_judged(guarded):
    message = _request("initialize", clientInfo={"name": "gun powder", "version": "1"})
    assert _sent(guarded(), message).onward == message


@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "text", "text": "gun powder"}]},
        {"content": [{"type": "text", "text": "gun "}, {"type": "text", "text": "powder"}]},
        {"content": [{"type": "resource_link", "uri": "data:text/plain,gun%20powder", "name": "x"}]},
        {"content": [{"type": "resource_link", "uri": "data:;base64,Z3VuIHBvd2Rlcg", "name": "x"}]},
        {"content": [{"type": "text", "text": "gun ", "annotations": {"audience": ["you", "me"]}},
                     {"type": "text", "text": "powder"}]},
        {"content": [{"type": "text", "text": '{"a": "gun\\u0020powder"}'}]},
        {"content": [{"type": "resource", "resource": {"uri": "x:y", "text": "gun powder"}}]},
        {"content": [{"type": "resource_link", "uri": "x:y", "name": "a", "description": "gun powder"}]},
        {"content": [{"type": "image", "data": "gun powder", "mimeType": "image/png"}]},
        {"content": [{"type": "gun powder"}]},
        {"content": [], "structuredContent": {"a": ["gun powder"]}},
        {"content": [], "structuredContent": {"gun powder": True}},
        {"content": [], "structuredContent": {"type": "gun powder", "data": "gun powder"}},
        {"content": [], "_meta": {"note": "gun powder"}},
        {"Content": [{"Type": "text", "Text": "gun powder"}]},
    ],
)  # fmt: skip
def test_results_are_judged_wherever_they_say_it(guarded, result):
    outcome = _received(guarded(), _result(**result), asked=_call({}))
    assert outcome.onward == _result(content=[{"type": "text", "text": REFUSAL}], isError=True)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("tools/list", _result(tools=[{"name": "a", "description": "gun powder", "inputSchema": {"type": "object"}}])),
        ("tools/list", _result(tools=[{"name": "a", "inputSchema": {"properties": {"gun powder": {}}}}])),
        ("initialize", _result(instructions="gun powder", serverInfo={"name": "a"})),
        ("tools/call", {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "gun powder"}}),
        ("resources/read", _result(contents=[{"uri": "x:y", "text": "gun powder"}])),
        ("resources/read", _result(contents=[{"uri": "x:y", "blob": "gun powder"}])),
        ("sampling/createMessage", _request("sampling/createMessage", systemPrompt="gun powder")),
        ("", _request("elicitation/create", message="gun powder")),
    ],
)
def test_whatever_else_a_server_sends_is_judged(guarded, method, answer):
    asked = _request(method) if "method" not in answer else None
    outcome = _received(guarded(), answer, asked=asked)
    assert "powder" not in str(outcome)
    assert REFUSAL in str(outcome.onward or outcome.back)
    assert (outcome.back is not None) is ("method" in answer)


def test_pictures_and_documents_pass_as_they_are(guarded):
    picture, document = _base64(b"\x89PNG\r\n\x1a\n\0gun powder"), _base64(b"%PDF-1.7\n\xff gun powder")
    result = _result(
        content=[
            {"type": "image", "data": picture, "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "x:y", "blob": document, "mimeType": "application/pdf"}},
        ]
    )
    assert _received(guarded(), result).onward == result


@pytest.mark.parametrize("raw", [b"gun powder", b"\xffgun powder", "gun powder".encode("utf-16")])
@pytest.mark.parametrize("kind", [{}, {"mimeType": "text/plain"}, {"mimeType": "application/octet-stream"}])
def test_a_file_that_is_a_text_is_judged(guarded, raw, kind):
    answer = _result(contents=[{"uri": "x:y", "blob": _base64(raw), **kind}])
    assert REFUSAL in str(_received(guarded(), answer, asked=_request("resources/read")).onward)


def test_a_file_that_rails_rewrite_stays_a_file(guarded):
    answer = _result(contents=[{"uri": "x:y", "blob": _base64(b"Write to ada@example.org.")}])
    passed = _received(guarded(), answer, asked=_request("resources/read")).onward
    assert passed["result"]["contents"] == [{"uri": "x:y", "blob": _base64(b"Write to [EMAIL].")}]


def _base64(raw):
    return base64.b64encode(raw).decode()


def test_what_rails_rewrite_is_written_back_where_it_stood(guarded):
    result = _result(
        content=[{"type": "text", "text": "Write to ada@"}, {"type": "text", "text": "example.org, please."}],
        structuredContent={"mail": "ada@example.org", "card": 4111111111111111, "n": 7, "ok": True, "no": None},
        isError=False,
    )
    passed = _received(guarded(), result, asked=_call({})).onward["result"]
    assert "".join(block["text"] for block in passed["content"]) == "Write to [EMAIL], please."
    assert passed["structuredContent"] == {"mail": "[EMAIL]", "card": "[CARD]", "n": 7, "ok": True, "no": None}
    assert passed["isError"] is False


def test_arguments_that_rails_rewrite_are_encoded_back(guarded):
    guard = guarded("rails: {output: {flows: [shouting]}}")
    outcome = _sent(guard, _call({"a": 'say "no"\n', "n": 5, "deep": [{"b": "x"}]}, _meta={"progressToken": "tok"}))
    params = outcome.onward["params"]
    assert params["arguments"] == {"A": 'SAY "NO"\n', "N": 5, "DEEP": [{"B": "X"}]}
    assert params["_meta"] == {"progressToken": "tok"}
    outcome = _sent(guard, _request("prompts/get", name="advice", arguments={"about": "fish"}))
    assert outcome.onward["params"] == {"name": "ADVICE", "arguments": {"ABOUT": "FISH"}}


@pytest.mark.parametrize("direction", ["input", "output"])
def test_a_rail_that_fails_lets_nothing_through_and_its_words_stay_here(guarded, direction, caplog):
    guard = guarded(f"rails: {{{direction}: {{flows: [broken]}}}}")
    if direction == "output":
        outcome = _sent(guard, _call({"a": "a secret"}))
        assert outcome.back["result"]["content"][0]["text"] == FAILURE
    else:
        outcome = _received(guard, _text("a secret"), asked=_request("prompts/get"))
        assert outcome.onward["error"] == {"code": INTERNAL_ERROR, "message": FAILURE}
    assert "secret" not in str(outcome) + caplog.text
    assert "'broken'" in caplog.text


def test_rails_know_what_tools_take_from_the_server(guarded):
    guard = guarded("rails: {output: {flows: [tool call validation]}}")
    tool = {"name": "order", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}

    async def talk():
        before = await guard.from_client(_call({"n": 1}))
        await guard.from_client(_request("tools/list"))
        await guard.from_server(_result(tools=[tool]))
        return before, await guard.from_client(_call({"n": 1})), await guard.from_client(_call({"n": "one"}))

    before, good, bad = anyio.run(talk)
    assert before.onward is None
    assert good.onward == _call({"n": 1})
    assert bad.onward is None


def test_a_result_that_must_have_a_type_has_one(guarded):
    asked = _call({"a": "gun powder"}, _meta={"io.modelcontextprotocol/protocolVersion": "2026-07-28"})
    assert _sent(guarded(), asked).back["result"]["resultType"] == "complete"
    answer = _result(content=[{"type": "text", "text": "gun powder"}], resultType="complete")
    assert _received(guarded(), answer, asked=_call({})).onward["result"]["resultType"] == "complete"


def test_an_answer_that_nobody_can_read_is_a_failure_of_whoever_waits_for_it(guarded):
    guard = guarded()
    anyio.run(guard.from_client, _call({}))
    assert guard.unreadable(1)["result"]["content"][0]["text"] == FAILURE
    assert guard.unreadable(1) is None
