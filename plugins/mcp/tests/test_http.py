"""A real server of streamable HTTP behind the proxy, as the SDK's own client sees it."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
import uvicorn
from handrail_mcp._http import create_app
from handrail_mcp._rails import load
from handrail_mcp._sse import events_of
from hypothesis import given
from hypothesis import strategies as st
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REFUSAL = "I'm sorry, I can't respond to that."
REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {}}}


@asynccontextmanager
async def _served(app):
    """Serve an application, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
            server.should_exit = True


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["shop", str(tmp_path / "calls")])
    spec = importlib.util.spec_from_file_location("mcp_shop", Path(__file__).with_name("shop.py"))
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mcp_shop", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_over_http_sees_what_rails_let_through(mode: str, folder: Path, shop):
    async def talk() -> None:
        async with (
            _served(shop.server.streamable_http_app()) as url,
            _served(create_app(load(folder), url)) as proxy,
            Client(proxy, mode=mode) as client,
        ):
            passed = await client.call_tool("order", {"item": "boat", "note": "blue"})
            assert passed.content[0].text == "ordered boat, blue"
            for name, arguments in (("order", {"item": "gun powder"}), ("poisoned", {"where": "plain"})):
                refused = await client.call_tool(name, arguments)
                assert (refused.is_error, refused.content[0].text) == (True, REFUSAL)
            ada = await client.call_tool("customer", {"name": "Ada"})
            assert ada.structured_content["mail"] == "[EMAIL]"
            with pytest.raises(MCPError, match="can't respond"):
                await client.read_resource("note://poison")

    anyio.run(talk)
    assert shop.CALLS.read_text().splitlines() == ["order boat blue", "poisoned plain", "customer Ada"]


async def _asked(folder: Path, answer: Response, **request):
    """Return what the proxy answers for a server that always gives the same answer."""

    async def endpoint(_request):
        return answer

    app = Starlette(routes=[Route("/mcp", endpoint, methods=["GET", "POST", "DELETE"])])
    async with _served(app) as url, _served(create_app(load(folder), url)) as proxy, httpx2.AsyncClient() as client:
        request.setdefault("json", REQUEST)
        return await client.request("POST", proxy, **request)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (Response("gun powder", 500, media_type="text/plain"), 500, ""),
        (Response("gun powder", 200, media_type="text/html"), 502, ""),
        (Response('{"error": "gun powder"}', 401, {"www-authenticate": "Bearer"}, "application/json"), 401, ""),
        (Response(status_code=202), 202, ""),
        (Response("event: gun powder\nid: gun powder\ndata:\n\n", media_type="text/event-stream"), 200, "data: \n\n"),
        (Response('data: gun powder\n\ndata: {"jsonrpc"', 200, media_type="text/event-stream"), 200, "data: \n\n"),
        (
            Response("event: other\ndata: gun powder\n\n: gun powder\n\n", media_type="text/event-stream"),
            200,
            "data: \n\n",
        ),
    ],
)
def test_what_is_not_a_message_does_not_come_back(answer, status, body, folder: Path):
    found = anyio.run(lambda: _asked(folder, answer))
    assert (found.status_code, found.text) == (status, body)
    assert found.headers.get("www-authenticate") == answer.headers.get("www-authenticate")


def test_an_answer_that_is_json_is_judged(folder: Path):
    result = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "gun powder"}]}}
    found = anyio.run(lambda: _asked(folder, JSONResponse(result))).json()
    assert found["result"] == {"content": [{"type": "text", "text": REFUSAL}], "isError": True}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"[]", "json": None}, 400),
        ({"content": b"\x1f\x8b", "json": None, "headers": {"content-encoding": "gzip"}}, 400),
        ({"headers": {"origin": "http://evil.example"}}, 403),
        ({"headers": {"host": "evil.example", "origin": "http://evil.example"}}, 403),
    ],
)
def test_a_request_that_cannot_be_judged_or_trusted_goes_nowhere(request_, status, folder: Path):
    answer = Response("must not be asked", 200, media_type="text/plain")
    assert anyio.run(lambda: _asked(folder, answer, **request_)).status_code == status


def test_a_server_that_is_not_there_is_an_error_of_the_request(folder: Path):
    async def ask():
        with socket.socket() as silent:  # has the port, so that nobody else gets it, and does not listen
            silent.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
            async with _served(create_app(load(folder), url)) as proxy, httpx2.AsyncClient() as client:
                return await client.post(proxy, json=REQUEST)

    found = anyio.run(ask)
    assert found.status_code == 502
    assert found.json()["error"]["message"] == "The server could not be reached."


@given(st.data(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_are_the_same_however_they_are_cut(data, end):
    texts = ["é€𝄞", json.dumps({"a": "b"}), "two\nlines"]
    stream = "\ufeff" + "".join(f"id: {n}{end}" + "".join(f"data: {line}{end}" for line in text.split("\n")) + end
                                for n, text in enumerate(texts))  # fmt: skip
    raw = (stream + "data: left").encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=6)))

    async def parts():
        for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            yield raw[start:stop]

    async def read():
        return [(event.id, event.text) async for event in events_of(parts(), 10_000)]

    assert anyio.run(read) == [(str(n), text) for n, text in enumerate(texts)]
