"""Applications of Starlette behind the middleware do what every guarded host must."""

from __future__ import annotations

import json

import pytest
from asgi_host import AsgiHost, ChatWire, MessagesWire, ResponsesWire
from handrail import ConfigurationError, RailsConfig, StreamingNotSupportedError
from handrail_hosts import HostGuard
from handrail_hosts.starlette import GuardMiddleware, ResponseGuard, TextDialect
from handrail_testkit import HostConformance, host_rails
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

NOTHING_KEPT = "an application keeps its own conversation, which the middleware does not see"


class TestChatCompletions(HostConformance):
    expected_failures = {"test_what_the_host_keeps_is_guarded": NOTHING_KEPT}

    @pytest.fixture
    def case(self):
        return AsgiHost(ChatWire(), GuardMiddleware)


class OneLoop(HostConformance):
    """The middleware is proved on both event loops once."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio"


class TestResponses(OneLoop):
    expected_failures = {"test_what_the_host_keeps_is_guarded": NOTHING_KEPT}

    @pytest.fixture
    def case(self):
        return AsgiHost(ResponsesWire(), GuardMiddleware)


class TestMessages(OneLoop):
    expected_failures = {"test_what_the_host_keeps_is_guarded": NOTHING_KEPT}

    @pytest.fixture
    def case(self):
        return AsgiHost(MessagesWire(), GuardMiddleware)


FORBIDDEN = "forbidden fruit"


async def serve(app, body, path="/v1/chat/completions", method="POST"):
    """Make one request of an application; return its status and its body."""
    sent, given = [], [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return given.pop() if given else {"type": "http.disconnect"}

    async def send(packet):
        sent.append(packet)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "raw_path": b""}
    await app({**scope, "asgi": {"spec_version": "2.4"}}, receive, send)
    return sent[0]["status"], b"".join(packet.get("body", b"") for packet in sent)


def answering(response):
    async def route(request):
        return response

    return Starlette(routes=[Route("/v1/chat/completions", route, methods=["GET", "POST"])])


def guarded(response, rails="windows"):
    return GuardMiddleware(answering(response), host_rails(rails))


HELLO = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode()


def completion(**fields):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop", **fields}
    return {"id": "1", "object": "chat.completion", "choices": [choice]}


async def test_what_rails_cannot_judge_is_withheld_at_a_guarded_path():
    for response in (
        Response(FORBIDDEN, media_type="text/plain"),
        Response(json.dumps(completion()), media_type="application/json", headers={"content-encoding": "br"}),
        JSONResponse([FORBIDDEN]),
        JSONResponse({"choices": [{"index": 0}, {"index": 1}]}),
        JSONResponse(completion(message={"content": [{"type": "image", "data": FORBIDDEN}]})),
    ):
        status, body = await serve(guarded(response), HELLO)
        assert (status, FORBIDDEN.encode() in body) == (502, False)


async def test_an_answer_with_an_error_status_and_other_paths_pass():
    assert await serve(guarded(Response("gone", 410)), HELLO) == (410, b"gone")
    assert (await serve(guarded(Response("ok")), b"", path="/health"))[0] == 404
    assert (await serve(guarded(Response("ok")), b"", method="HEAD"))[0] == 200


async def test_events_that_are_asked_for_with_get_are_guarded_too():
    async def events():
        yield f'data: {{"choices": [{{"index": 0, "delta": {{"content": "Well. {FORBIDDEN}"}}}}]}}\n\n'

    status, body = await serve(guarded(StreamingResponse(events(), media_type="text/event-stream")), b"", method="GET")
    assert (status, FORBIDDEN.encode() in body, b"content_filter" in body) == (200, False, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{", b'{"messages": "x"}', b'{"messages": [1]}', b"[" * 100_000])
async def test_a_request_that_cannot_be_judged_is_refused(body):
    status, said = await serve(guarded(JSONResponse(completion())), body)
    assert (status, b"could not be checked" in said) == (400, True)


async def test_what_no_rail_has_judged_is_left_out():
    beside = {"logprobs": {"content": [{"token": FORBIDDEN}]}, "note": FORBIDDEN}
    message = {"role": "assistant", "content": "Hello", "annotations": [FORBIDDEN], "reasoning_content": FORBIDDEN}
    status, body = await serve(guarded(JSONResponse({**completion(message=message, **beside), "x": FORBIDDEN})), HELLO)
    assert (status, FORBIDDEN.encode() in body) == (200, False)
    assert json.loads(body)["choices"][0]["message"] == {"role": "assistant", "content": "Hello"}


async def test_what_input_rails_replace_reaches_the_application_replaced():
    seen = []

    async def route(request):
        seen.append((await request.json(), request.headers.get("accept-encoding")))
        return JSONResponse(completion())

    rails = RailsConfig.from_content(
        config={
            "rails": {
                "input": {"flows": ["personal data check"]},
                "config": {"personal data check": {"action": "redact"}},
            }
        }
    )
    app = Starlette(routes=[Route("/v1/chat/completions", route, methods=["POST"])])
    parts = [{"type": "text", "text": "Mine is ann@example.org"}, {"type": "image_url", "image_url": {"url": "u"}}]
    asked = {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": parts}]}
    await serve(GuardMiddleware(app, rails), json.dumps(asked).encode())
    ((body, encoding),) = seen
    assert (body["model"], body["messages"][0], encoding) == ("m", asked["messages"][0], None)
    assert "ann@example.org" not in body["messages"][1]["content"][0]["text"]
    assert body["messages"][1]["content"][1] == parts[1]


async def test_a_response_of_a_protocol_of_ones_own_is_guarded():
    closed = []

    async def events():
        try:
            for value in ({"text": "Well. ", "note": FORBIDDEN}, {"text": FORBIDDEN}, {"text": " more"}):
                yield f"data: {json.dumps(value)}\n\n"
        finally:
            closed.append(True)

    guard = ResponseGuard(host_rails("session"), TextDialect)
    assert guard() is guard
    response = guard.response(StreamingResponse(events(), media_type="text/event-stream"))
    _, body = await serve(response, b"")
    assert body.decode().split("\n\n") == [
        'data: {"text":"Well. "}',
        'data: {"blocked":"The guard has refused this."}',
        "",
    ]
    assert closed == [True]


async def test_a_response_whose_question_is_refused_is_never_begun():
    begun = []

    async def events():
        begun.append(True)
        yield "data: {}\n\n"

    guard = ResponseGuard(host_rails("input"))
    asked = [{"role": "user", "content": FORBIDDEN}]
    response = guard.response(StreamingResponse(events(), media_type="text/event-stream"), asked)
    _, body = await serve(response, b"")
    assert b"content_filter" in body
    assert begun == []


def test_a_configuration_that_cannot_guard_a_host_is_refused_at_once():
    output = {"flows": ["personal data check"]}
    with pytest.raises(StreamingNotSupportedError):
        HostGuard(RailsConfig.from_content(config={"rails": {"output": output}}))
    output["streaming"] = {"enabled": True, "stream_first": True}
    output["flows"] = ["self check output"]
    models = [{"type": "main", "engine": "scripted", "parameters": {"answers": [], "default": "yes"}}]
    prompts = [{"task": "self_check_output", "content": "{{ bot_response }}?"}]
    config = {"models": models, "prompts": prompts, "rails": {"output": output}}
    with pytest.raises(ConfigurationError, match="stream_first"):
        HostGuard(RailsConfig.from_content(config=config))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TextDialect("said"), "ResponseGuard"),
        (lambda path: TextDialect(path), "without parameters"),
        (lambda: "text", "returned a str"),
        (TextDialect(), "cannot be called"),
    ],
)
def test_a_path_with_a_dialect_that_would_refuse_every_request_is_an_error(make, said):
    with pytest.raises(ConfigurationError, match=rf"'/chat'.*{said}"):
        GuardMiddleware(answering(Response()), host_rails("windows"), {"/chat": make})


async def test_a_dialect_of_ones_own_that_reads_requests_may_guard_a_path():
    class OwnDialect(TextDialect):
        def messages(self, body):
            return [{"role": "user", "content": body["ask"]}]

        def put_back(self, body, messages):
            return {**body, "ask": messages[0]["content"]}

    async def route(request):
        return JSONResponse({"text": (await request.json())["ask"]})

    app = Starlette(routes=[Route("/chat", route, methods=["POST"])])
    app = GuardMiddleware(app, host_rails("masking"), {"/chat": OwnDialect})
    assert await serve(app, b'{"ask": "a swordfish"}', "/chat") == (200, b'{"text": "a [masked]"}')


def test_a_guard_of_responses_wants_what_makes_a_dialect():
    with pytest.raises(ConfigurationError, match="ResponseGuard"):
        ResponseGuard(host_rails("windows"), TextDialect())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": 5, "input": 5}'])
async def test_a_malformed_request_is_the_clients_error_in_its_protocol(path, body):
    status, said = await serve(guarded(JSONResponse(completion())), body, path)
    value = json.loads(said)
    assert (status, value["error"]["type"]) == (400, "invalid_request_error")
    assert (value.get("type") == "error") is (path == "/v1/messages")


async def test_a_rail_that_fails_before_the_model_is_no_error_of_the_client():
    config = {"rails": {"input": {"flows": ["self check input"]}}, "models": [], "prompts": []}
    config["models"] = [{"type": "main", "engine": "scripted", "parameters": {"answers": []}}]
    config["prompts"] = [{"task": "self_check_input", "content": "{{ user_input }}?"}]
    app = GuardMiddleware(answering(JSONResponse(completion())), RailsConfig.from_content(config=config))
    status, said = await serve(app, HELLO)
    assert (status, json.loads(said)["error"]["type"]) == (502, "internal_error")


async def test_an_answer_that_is_judged_outside_a_stream_keeps_its_rewritten_tool_calls():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "a swordfish"}'}}
    judged = await HostGuard(host_rails("masking")).check_output({"role": "assistant", "tool_calls": [call]})
    assert [one.arguments for one in judged.tool_calls] == ['{"a": "a [masked]"}']
