"""Every path asks for a key unless it is listed as open, wherever the application is mounted."""

from __future__ import annotations

import anyio
import pytest
from handrail import ConfigurationError, Registry
from handrail_server import ServerSettings, create_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

KEY = {"authorization": "Bearer right-key"}
OPEN = ("/healthz", "/readyz", "/", "/docs", "/pages/style.css", "/pages/playground.js")
GUARDED = ("/v1/models", "/v1/models/a", "/v1/rails/configs", "/metrics", "/openapi.json", "/nothing", "/v1/../healthz")


class Scoped:
    """Sets `root_path`, as a server behind a proxy does."""

    def __init__(self, app, root_path: str) -> None:
        self.app, self.root_path = app, root_path

    async def __call__(self, scope, receive, send) -> None:
        await self.app({**scope, "root_path": self.root_path}, receive, send)


WAYS = {
    "alone": ("", "", lambda app: app),
    "a prefix": ("/guard", "/guard", lambda app: app),
    "mounted": ("/guard", "", lambda app: Starlette(routes=[Mount("/guard", app=app)])),
    "mounted twice": (
        "/a/b",
        "",
        lambda app: Starlette(routes=[Mount("/a", app=Starlette(routes=[Mount("/b", app=app)]))]),
    ),
    "root_path": ("/guard", "", lambda app: Scoped(app, "/guard")),
    "root_path that a proxy took off": ("", "", lambda app: Scoped(app, "/guard")),
    "mounted with a prefix": ("/a/guard", "/guard", lambda app: Starlette(routes=[Mount("/a", app=app)])),
}


@pytest.fixture
def keyed(serve, config, monkeypatch):
    def make(way):
        monkeypatch.setenv("SERVER_KEYS", "right-key")
        base, prefix, wrap = WAYS[way]
        client = serve({"a": config()}, api_key_env="SERVER_KEYS", prefix=prefix)
        client.app = wrap(client.app)
        return client, base

    return make


@pytest.mark.parametrize("way", WAYS)
async def test_a_key_is_asked_for_wherever_the_application_is_mounted(keyed, way):
    client, base = keyed(way)
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    for path in ("/v1/chat/completions", "/v1/checks", "/v1/embeddings"):
        assert (await client.post(base + path, body)).status == 401
    assert [(await client.get(base + path)).status for path in GUARDED] == [401] * len(GUARDED)
    found = OPEN if way != "root_path that a proxy took off" else OPEN[:4]  # starlette finds no files then
    assert [(await client.get(base + path)).status for path in found] == [200] * len(found)
    assert (await client.post(base + "/v1/chat/completions", body, headers=KEY)).status == 200


SHAPED = {
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "Hi"}]},
    "/v1/checks/dify": {"point": "ping"},
}


@pytest.mark.parametrize("path", SHAPED)
@pytest.mark.parametrize("way", WAYS)
async def test_dialects_and_webhooks_are_behind_the_same_door(keyed, way, path):
    client, base = keyed(way)
    shape = "error" if "messages" in path else None
    wrong = {"host": "10.1.2.3:8000", **KEY}
    for headers, status in ((None, 401), ({"x-api-key": "wrong"}, 401), (wrong, 421), (KEY, 200)):
        told = await client.post(base + path, SHAPED[path], headers=headers)
        assert (told.status, told.json.get("type") if status != 200 else shape) == (status, shape)
        assert b"right-key" not in told.body
    for method in ("GET", "PUT", "DELETE"):
        told = await client.ask(method, base + path, headers=KEY)
        assert (told.status, told.json.get("type")) == (405, shape)


@pytest.mark.parametrize("path", SHAPED)
async def test_pages_of_other_origins_may_ask_only_where_they_are_allowed_to(serve, config, path):
    asked = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key, anthropic-version",
    }
    for origins, allowed in ((["https://app.example"], "https://app.example"), (["https://other.example"], None)):
        client = serve({"a": config()}, cors_origins=origins)
        before = await client.ask("OPTIONS", path, headers=asked)
        assert (before.status == 200, before.headers.get("access-control-allow-origin")) == (bool(allowed), allowed)
        told = await client.post(path, SHAPED[path], headers={"origin": "https://app.example"})
        assert told.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize("path", [path for path in SHAPED if "checks" not in path])
async def test_limits_hold_in_every_dialect(serve, config, path):
    told = await serve({"a": config()}, limits={"body_bytes": 10}).post(path, SHAPED[path])
    assert (told.status, told.error["code"]) == (413, "body_too_large")
    long = {**SHAPED[path], ("input" if "responses" in path else "messages"): [{"role": "user", "content": "a"}] * 4}
    told = await serve({"a": config()}, limits={"messages": 3}).post(path, long)
    assert (told.status, told.error["code"]) == (400, "too_many_messages")


@pytest.mark.parametrize("way", WAYS)
async def test_open_paths_take_no_other_method(keyed, way):
    client, base = keyed(way)
    for path in OPEN:
        assert (await client.ask("POST", base + path, b"{}")).status == 401
    assert (await client.ask("OPTIONS", base + "/v1/chat/completions")).status == 405


@pytest.mark.anyio(False)
def test_no_path_answers_without_a_key_but_those_that_are_open(keyed):
    """Whatever stands between the slashes: a path that the router serves and that is not open gives 401."""
    client, _ = keyed("mounted with a prefix")
    piece = st.sampled_from(["a", "guard", "v1", "models", "healthz", "..", ".", "", "pages", "%2e%2e", "checks"])

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(piece, max_size=6), st.sampled_from(["GET", "POST", "HEAD", "PUT"]))
    def ask(pieces, method) -> None:
        path = "/" + "/".join(pieces)
        answer = anyio.run(lambda: client.ask(method, path, b"{}" if method == "POST" else None))
        below = path.removeprefix("/a/guard") if path.startswith("/a/guard") else None
        opened = below in ("", "/", "/healthz", "/readyz", "/docs") or str(below).startswith("/pages/")
        assert answer.status in ((200, 307, 404, 405, 401) if opened else (401, 404, 307)), path
        assert b'"data"' not in answer.body
        assert b"handrail_requests_total" not in answer.body

    ask()


async def test_foreign_host_is_refused_everywhere_but_probes_are_answered(serve, config):
    client = serve({"a": config()})
    headers = {"host": "10.1.2.3:8000"}
    assert [(await client.get(path, headers=headers)).status for path in ("/healthz", "/readyz")] == [200, 200]
    for path in ("/", "/docs", "/metrics", "/openapi.json", "/v1/models", "/pages/style.css"):
        assert (await client.get(path, headers=headers)).status == 421


ODD_HOSTS = ("127.0.0.1:evil@x", "[::1]x.evil", "127.0.0.1@evil", "127.0.0.1/evil", "127.0.0.1 evil", "localhost:80:80")


@pytest.mark.parametrize("host", ODD_HOSTS)
async def test_host_that_is_none_is_refused(serve, config, host):
    assert (await serve({"a": config()}).get("/v1/models", headers={"host": host})).error["code"] == "invalid_host"


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8000", "LOCALHOST:8000", "127.0.0.1:"])
async def test_host_of_this_machine_is_known_however_it_is_written(serve, config, host):
    assert (await serve({"a": config()}).get("/v1/models", headers={"host": host})).status == 200


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("host", ["127.0.0.1", "evil.example"], "invalid_host"),
        ("authorization", ["Bearer right-key", "Bearer wrong-key"], "invalid_api_key"),
        ("x-api-key", ["right-key", "right-key"], "invalid_api_key"),
    ],
)
async def test_a_header_that_decides_comes_once(keyed, name, values, code):
    """Whatever stands before the server may have looked at the other one."""
    client, _ = keyed("alone")
    app = client.app

    async def twice(scope, receive, send):
        others = [(key, value) for key, value in scope["headers"] if key != name.encode()]
        await app({**scope, "headers": [*others, *((name.encode(), one.encode()) for one in values)]}, receive, send)

    client.app = twice
    assert (await client.get("/v1/models", headers=KEY if name == "host" else {})).error["code"] == code


@pytest.mark.parametrize(("other", "status"), [("right-key", 200), ("another", 401)])
async def test_two_ways_of_sending_a_key_must_send_the_same(keyed, other, status):
    client, _ = keyed("alone")
    sent = {"authorization": "Bearer right-key", "x-api-key": other}
    assert (await client.get("/v1/models", headers=sent)).status == status


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "guard.example"])
def test_server_that_others_can_reach_needs_a_key_or_a_word(root, write, config, host, monkeypatch, tmp_path):
    write(root, "a", config())
    make = lambda **more: create_app(ServerSettings(config=root, host=host, **more), registry=Registry.discover())  # noqa: E731
    with pytest.raises(ConfigurationError, match="--insecure"):
        make()
    make(insecure=True)
    monkeypatch.setenv("SERVER_KEYS", "key")
    make(api_key_env="SERVER_KEYS")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_server_of_one_machine_needs_no_key(root, write, config, host):
    write(root, "a", config())
    create_app(ServerSettings(config=root, host=host))


async def test_websocket_is_closed(serve, config):
    client = serve({"a": config()})
    sent = []

    async def send(message):
        sent.append(message)

    await client.app({"type": "websocket", "path": "/v1/models", "headers": []}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]
