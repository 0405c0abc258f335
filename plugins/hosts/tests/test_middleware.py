"""The middleware guards a path however it is written, and an answer whatever surrounds it."""

from __future__ import annotations

import json

import anyio
import pytest
from handrail import RailsConfig
from handrail_hosts import HostGuard
from handrail_hosts.starlette import ChatDialect, GuardMiddleware
from handrail_testkit import host_rails
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

PATH = "/v1/chat/completions"
FORBIDDEN = "forbidden fruit"
HELLO = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode()


def completion(**fields):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop", **fields}
    return {"id": "1", "object": "chat.completion", "choices": [choice]}


def answering(response):
    async def route(request):
        return response

    return Starlette(routes=[Route(PATH, route, methods=["GET", "POST"])])


def guarded(response, rails="windows"):
    return GuardMiddleware(answering(response), host_rails(rails))


LEAKING = completion(message={"role": "assistant", "content": f"Well. {FORBIDDEN}"})


async def ask(app, body=HELLO, path=PATH, method="POST", **scope):
    """Make one request of an application; return its status, headers, and body."""
    sent, given = [], [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return given.pop() if given else await anyio.sleep_forever()

    async def send(packet):
        sent.append(packet)

    await app(
        {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "raw_path": b"",
         "asgi": {"spec_version": "2.4"}, **scope}, receive, send,
    )  # fmt: skip
    headers = dict(sent[0].get("headers", ()))
    return sent[0]["status"], headers, b"".join(packet.get("body", b"") for packet in sent)


def anywhere(response):
    """Return an application that answers so at every path, as one does that passes requests on."""

    async def app(scope, receive, send):
        await response(scope, receive, send)

    return GuardMiddleware(app, host_rails("windows"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions/",
        "//v1//chat/completions",
        "/V1/Chat/COMPLETIONS",
        "/v1/./chat/x/../completions",
        "/v1/chat%2fcompletions",
        "/v1/%2563hat/completions",
        "/v1\\chat\\completions",
        "/v1/chat/completions;x=1",
        "/v1/chat/completions ",
        "/api/v1/chat/completions",
        "/v1/chat/completions/chatcmpl-1",
    ],
)
async def test_a_path_is_guarded_however_it_is_written(path):
    status, _, body = await ask(anywhere(JSONResponse(LEAKING)), path=path)
    assert (status, FORBIDDEN.encode() in body, b"content_filter" in body) == (200, False, True)


async def test_paths_that_are_others_pass():
    for path in ("/", "/v1/chat", "/v1/chat/completions/1/messages", "/v1/models", "/v1/chat/completions.html"):
        assert FORBIDDEN.encode() in (await ask(anywhere(JSONResponse(LEAKING)), path=path))[2]


@pytest.mark.parametrize("root", ["", "/proxied"])
async def test_an_application_that_is_mounted_is_guarded_from_outside_and_from_inside(root):
    inner = answering(JSONResponse(LEAKING))
    outside = GuardMiddleware(Starlette(routes=[Mount("/api", inner)]), host_rails("windows"))
    inside = Starlette(routes=[Mount("/api", GuardMiddleware(inner, host_rails("windows")))])
    for app in (outside, inside):
        status, _, body = await ask(app, path=f"{root}/api{PATH}", root_path=root)
        assert (status, b"content_filter" in body) == (200, True)


async def test_events_at_a_path_that_is_not_guarded_are_logged_once(caplog):
    async def route(request):
        return StreamingResponse(iter(["data: {}\n\n"]), media_type="text/event-stream")

    routes = [Route("/chat", route), Route("/health", lambda request: PlainTextResponse("ok"))]
    app = GuardMiddleware(Starlette(routes=routes), host_rails("windows"))
    for path in ("/health", "/chat", "/chat"):
        assert (await ask(app, path=path, method="GET"))[0] == 200
    logged = [record.getMessage() for record in caplog.records if record.name == "handrail.hosts"]
    assert logged == ["events at '/chat' are not guarded; name the path in 'paths' to guard it"]


async def test_a_path_may_have_places_for_anything():
    app = answering(JSONResponse(LEAKING)).router.routes[0].app
    guard = GuardMiddleware(app, host_rails("windows"), paths={"/rooms/{room}/ask": ChatDialect})
    assert b"content_filter" in (await ask(guard, path="/rooms/7/ask"))[2]
    assert FORBIDDEN.encode() in (await ask(guard, path="/rooms/7/8/ask"))[2]


async def test_a_redirection_and_an_answer_without_content_pass_without_a_body():
    async def app(scope, receive, send):
        found = RedirectResponse("/v1/chat/completions") if scope["path"].endswith("/") else Response(status_code=204)
        await found(scope, receive, send)

    guard = GuardMiddleware(app, host_rails("windows"))
    status, headers, body = await ask(guard, path=f"{PATH}/")
    assert (status, headers[b"location"], body) == (307, PATH.encode(), b"")
    assert (await ask(guard))[0] == 204
    told = Response(FORBIDDEN, 303, {"location": "/"}, "text/event-stream")
    status, headers, body = await ask(guarded(told))
    assert (status, headers[b"content-length"], body) == (303, b"0", b"")


async def test_a_socket_at_a_guarded_path_is_refused():
    reached, sent = [], []

    async def talk(socket):
        reached.append(socket)

    async def receive():
        return {"type": "websocket.connect"}

    async def send(packet):
        sent.append(packet)

    app = GuardMiddleware(Starlette(routes=[WebSocketRoute("/v1/responses", talk)]), host_rails("windows"))
    await app({"type": "websocket", "path": "/v1/responses", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert reached == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_question_in_the_query_is_judged(method):
    app = guarded(JSONResponse(completion()), "input")
    for query in (b"q=forbidden+fruit", b"x=1&prompt=f%6frbidden%20fruit"):
        status, _, body = await ask(app, method=method, query_string=query)
        assert (status, b"content_filter" in body) == (200, True)
    for query in (b"", b"api-version=2026-11-01&stream=true", b"q=a+pear"):
        assert b"Hello" in (await ask(app, method=method, query_string=query))[2]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_a_question_in_the_query_of_a_request_for_no_body_is_judged(method):
    reached = []

    async def app(scope, receive, send):
        reached.append(scope["query_string"])
        await PlainTextResponse("Hello")(scope, receive, send)

    app = GuardMiddleware(app, host_rails("input"))
    assert (await ask(app, method=method, query_string=b"q=forbidden+fruit"))[::2] == (400, b"")
    assert reached == []
    assert (await ask(app, method=method, query_string=b"q=a+pear"))[::2] == (200, b"")


async def test_one_word_in_the_query_of_an_answer_asked_for_with_get_is_judged():
    seen = []

    class Seeing(HostGuard):
        async def check_request(self, messages):
            seen.extend(message["content"] for message in messages)
            return await super().check_request(messages)

    app = GuardMiddleware(answering(JSONResponse(completion())), Seeing(host_rails("input")))
    await ask(app, method="GET", query_string=b"q=pears&limit=20&stream=true&after=")
    assert seen == ["pears"]


async def test_the_body_that_was_judged_is_what_its_headers_say():
    seen = []

    async def route(request):
        seen.append((request.headers.items(), await request.body()))
        return JSONResponse(completion())

    app = GuardMiddleware(Starlette(routes=[Route(PATH, route, methods=["POST"])]), host_rails("input"))
    headers = [
        (b"content-type", b"application/x-www-form-urlencoded"), (b"Content-Encoding", b"gzip"), (b"digest", b"x"),
        (b"transfer-encoding", b"chunked"), (b"authorization", b"Bearer key"), (b"content-length", b"7"),
    ]  # fmt: skip
    assert (await ask(app, headers=headers))[0] == 200
    ((found, body),) = seen
    assert dict(found) == {
        "authorization": "Bearer key", "content-type": "application/json", "content-length": str(len(body)),
    }  # fmt: skip


async def test_an_error_that_repeats_what_the_model_said_is_withheld():
    said = {"error": {"message": "tool_use_failed", "failed_generation": FORBIDDEN.replace("f", "\\u0066")}}
    escaped = json.dumps(said).replace("\\\\u", "\\u")
    leaks = (
        Response(escaped, 400, media_type="application/json"),
        JSONResponse({FORBIDDEN: 1}, 422),
        Response(f"it said: {FORBIDDEN}", 500, media_type="text/plain"),
        StreamingResponse(iter([f"data: {FORBIDDEN}\n\n"]), 500, media_type="text/event-stream"),
        Response(FORBIDDEN.encode("utf-16"), 500, media_type="text/plain"),
        Response(b"\x1f\x8b", 500, {"content-encoding": "gzip"}, "application/json"),
    )
    for response in leaks:
        response.headers["retry-after"] = "7"
        status, headers, body = await ask(guarded(response))
        assert (status, headers[b"retry-after"]) == (response.status_code, b"7")
        assert (FORBIDDEN.encode() in body, json.loads(body)["error"]["code"]) == (False, "answer_withheld")


@pytest.mark.parametrize("error", ['{"error": {"message": "busy"}}', '{"choices": [], "error": "busy"}'])
async def test_what_a_model_said_before_it_failed_is_delivered_and_its_failure_is_no_guards(error):
    begun = {"id": "1", "choices": [{"index": 0, "delta": {"content": "Hello there."}}]}
    body = f"data: {json.dumps(begun)}\n\ndata: {error}\n\n"
    for rails in ("windows", "session"):
        _, _, got = await ask(guarded(Response(body, media_type="text/event-stream"), rails))
        assert (b"Hello there." in got, b"broke off" in got, b"checked" in got) == (True, True, False)
    status, _, got = await ask(guarded(JSONResponse(json.loads(error))))
    assert (status, b"broke off" in got) == (502, True)


async def test_an_error_that_rails_let_pass_stays_as_it_is():
    told = {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]}
    status, headers, body = await ask(guarded(JSONResponse(told, 422)))
    assert (status, headers[b"content-type"], json.loads(body)) == (422, b"application/json", told)
    assert await ask(guarded(JSONResponse(told, 422), "failing")) != (422, headers, body)


async def test_a_streamed_answer_ends_before_the_task_behind_it_has_run():
    ended, ran = anyio.Event(), []

    async def behind():
        with anyio.fail_after(300):
            await ended.wait()
        ran.append(True)

    async def events():
        yield 'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}]}\n\n'

    response = StreamingResponse(events(), media_type="text/event-stream", background=BackgroundTask(behind))

    async def send(packet):
        if packet["type"] == "http.response.body" and not packet.get("more_body"):
            ended.set()

    async def receive():
        return {"type": "http.request", "body": HELLO}

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "asgi": {"spec_version": "2.4"}}
    await guarded(response)(scope, receive, send)
    assert ran == [True]


async def test_an_application_that_loses_its_model_tells_the_client():
    async def events():
        yield 'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": null}]}\n\n'
        raise ConnectionResetError("the model has gone")

    sent = []

    async def send(packet):
        sent.append(packet)

    async def receive():
        return {"type": "http.request", "body": HELLO}

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "asgi": {"spec_version": "2.4"}}
    with pytest.raises(ClientDisconnect):  # which Starlette makes of every error of a connection
        await guarded(StreamingResponse(events(), media_type="text/event-stream"))(scope, receive, send)
    said = b"".join(packet.get("body", b"") for packet in sent)
    assert (b"Hello" in said, b"answer_withheld" in said, sent[-1]["more_body"]) == (True, True, False)


async def test_a_client_that_leaves_ends_the_application():
    closed = []

    async def events():
        try:
            while True:
                yield 'data: {"choices": [{"index": 0, "delta": {"content": "Hello and so on. "}}]}\n\n'
                await anyio.lowlevel.checkpoint()
        finally:
            closed.append(True)

    async def send(packet):
        if packet.get("body"):
            raise OSError("gone")

    async def receive():
        return {"type": "http.request", "body": HELLO}

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "asgi": {"spec_version": "2.4"}}
    with pytest.raises(OSError, match="gone"):
        await guarded(StreamingResponse(events(), media_type="text/event-stream"), "session")(scope, receive, send)
    assert closed == [True]


async def test_an_answer_without_headers_is_withheld():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": FORBIDDEN.encode()})

    status, _, body = await ask(GuardMiddleware(app, host_rails("windows")))
    assert (status, FORBIDDEN.encode() in body) == (502, False)


async def test_rails_that_the_middleware_has_made_are_closed_with_the_application():
    config = RailsConfig.from_content(config={"rails": {"input": {"flows": ["personal data check"]}}})
    given, told = [], []

    async def receive():
        return {"type": given.pop(0)}

    async def send(packet):
        told.append(packet["type"])

    shared = HostGuard(config)
    for rails, status in ((config, 502), (shared, 200), (host_rails("input"), 200)):
        app = GuardMiddleware(answering(JSONResponse(completion())), rails)
        assert (await ask(app))[0] == 200
        given += ["lifespan.startup", "lifespan.shutdown"]
        await app({"type": "lifespan", "asgi": {}}, receive, send)
        assert (await ask(app))[0] == status
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"] * 3
