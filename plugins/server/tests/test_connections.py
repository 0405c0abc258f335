"""Connections that wait: they are dropped after a while, counted, and keep nobody else out."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys

import pytest
from handrail_server import Limits
from handrail_server._connections import Connections, most_connections
from handrail_server._metrics import Metrics

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Connection:
    def __init__(self) -> None:
        self.aborted = self.closing = False

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closing


@pytest.fixture
def kept():
    clock, metrics = Clock(), Metrics()
    return Connections(Limits(connections=3, head_seconds=15, idle_seconds=75), metrics, clock=clock), clock, metrics


def dropped(metrics: Metrics) -> list[str]:
    return [line for line in metrics.dropped.lines() if not line.startswith("#")]


def test_connection_that_sends_no_head_is_dropped_and_counted(kept):
    connections, clock, metrics = kept
    connections.opened(silent := Connection())
    clock.now += 14.9
    connections.drop_late()
    assert not silent.aborted
    clock.now += 0.1
    connections.drop_late()
    assert silent.aborted
    assert dropped(metrics) == ['handrail_connections_dropped_total{limit="head_seconds"} 1']
    assert len(connections) == 0


def test_connection_with_a_request_is_left_alone_and_waits_again_after_it(kept):
    connections, clock, metrics = kept
    connections.opened(one := Connection())
    connections.busy(one)
    clock.now += 10_000
    connections.drop_late()
    assert not one.aborted
    connections.idle(one)
    clock.now += 74
    connections.begins(one)  # the head of the next request has begun, and may take its own time
    clock.now += 14
    connections.drop_late()
    assert not one.aborted
    clock.now += 2
    connections.drop_late()
    assert one.aborted
    assert dropped(metrics) == ['handrail_connections_dropped_total{limit="head_seconds"} 1']


def test_connection_whose_client_does_not_read_the_end_is_dropped(kept):
    connections, clock, metrics = kept
    connections.opened(one := Connection())
    connections.busy(one)
    one.closing = True
    connections.drop_late()
    clock.now += 15
    connections.drop_late()
    assert one.aborted
    assert dropped(metrics) == ['handrail_connections_dropped_total{limit="unread"} 1']


def test_one_more_takes_the_place_of_the_one_that_has_waited_longest(kept):
    connections, _, metrics = kept
    busy, first, second, newest = (Connection() for _ in range(4))
    for one in (busy, first, second):
        connections.opened(one)
    connections.busy(busy)
    connections.opened(newest)
    assert [one.aborted for one in (busy, first, second, newest)] == [False, True, False, False]
    assert dropped(metrics) == ['handrail_connections_dropped_total{limit="connections"} 1']


def test_one_more_is_not_taken_where_all_have_requests(kept):
    connections, _, _ = kept
    for one in (Connection() for _ in range(3)):
        connections.opened(one)
        connections.busy(one)
    connections.opened(newest := Connection())
    assert newest.aborted
    connections.closed(newest)
    assert len(connections) == 3


def test_closed_connections_are_forgotten(kept):
    connections, _, metrics = kept
    for act in (connections.busy, connections.idle, lambda one: None):
        connections.opened(one := Connection())
        act(one)
        connections.closed(one)
    assert len(connections) == 0
    assert [*metrics.connections.lines()][-1] == "handrail_connections_open 0"


def test_descriptors_are_left_for_models():
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 0 < most_connections() <= soft - 32


def settings_in(folder, write, config):
    write(folder / "configs", "a", config(["Hello there."]))
    settings = folder / "server.yml"
    limits = {"head_seconds": 1, "idle_seconds": 1, "head_bytes": 4096, "body_seconds": 1, "connections": 40}
    settings.write_text(json.dumps({"config": str(folder / "configs"), "limits": limits}), encoding="utf-8")
    return settings


@pytest.fixture
def server(run_server, write, config, tmp_path):
    return run_server("--settings", settings_in(tmp_path, write, config))


@pytest.fixture(scope="module")
def shared_server(process_of, write, config, tmp_path_factory):
    """One process for requests that leave nothing behind."""
    running = process_of("--settings", str(settings_in(tmp_path_factory.mktemp("shared"), write, config)))
    yield running
    running.signal()
    running.end()


def chat(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    body = json.dumps({"messages": [{"role": "user", "content": "Hello!"}]})
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def until_closed(connection: socket.socket) -> bytes:
    """Return what comes until the server closes; a server that does not is an error after 300 seconds."""
    connection.settimeout(300)
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionError:
        pass
    connection.close()
    return found


def metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def connect(port: int, data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=300)
    connection.sendall(data)
    return connection


def test_heads_that_do_not_come_are_given_up(server):
    sent = (b"", b"G", HEAD, HEAD + b"X-A: ", b"\r\n\r\n\r\n")
    waiting = [connect(server.port, one) for one in sent]
    assert [until_closed(connection) for connection in waiting] == [b""] * 5
    text = metrics(server.port)
    assert 'handrail_connections_dropped_total{limit="head_seconds"} 5' in text
    assert "handrail_connections_open 1" in text


def test_connection_is_kept_for_a_while_after_its_answer(server):
    connection = connect(server.port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2)
    assert until_closed(connection).count(b"HTTP/1.1 200 OK") == 2
    assert 'limit="idle_seconds"} 1' in metrics(server.port)


def test_more_silent_connections_than_there_may_be_keep_nobody_out(server):
    held = [connect(server.port, HEAD if i % 2 else b"") for i in range(200)]
    assert chat(server.port) == 200
    for one in held:
        one.close()
    assert 'limit="connections"' in metrics(server.port)


def test_endless_head_is_refused(server):
    connection = connect(server.port, HEAD)
    found = b""
    try:
        for _ in range(2000):
            connection.sendall(b"X-A: " + b"a" * 500 + b"\r\n")
    except ConnectionError:
        pass
    found = until_closed(connection)
    assert found == b"" or found.startswith(b"HTTP/1.1 431")
    assert chat(server.port) == 200


def test_rest_of_a_body_that_was_refused_is_not_waited_for(server):
    """Each byte of it would else begin the time anew."""
    refused = HEAD.replace(b"application/json", b"text/plain") + b"Content-Length: 100000\r\n\r\n"
    connection = connect(server.port, refused)
    assert connection.recv(65536).startswith(b"HTTP/1.1 415")
    connection.settimeout(0.2)
    for _ in range(1500):
        try:
            connection.sendall(b"x")
            if connection.recv(10) == b"":
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    else:
        raise AssertionError("the connection was kept for 300 seconds")
    connection.close()


def test_headers_after_a_body_are_left_out(shared_server):
    body = b'{"messages":[{"role":"user","content":"Hello!"}]}'
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(body), body)
    connection = connect(shared_server.port, HEAD + chunked + b"X-Trailer: a\r\n" * 500 + b"\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
    connection.close()


BODY = b'{"messages":[{"role":"user","content":"Hello!"}]}'
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
SOCKET = b"Connection: upgrade\r\nUpgrade: websocket\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "upgrade", [UPGRADE, b"Connection: upgrade\r\nUpgrade: websocket\r\n"], ids=["h2c", "websocket"]
)
@pytest.mark.parametrize("cut", ["at once", "after the head", "each byte"])
@pytest.mark.parametrize("framed", ["by its length", "in chunks"])
def test_request_that_asks_for_another_protocol_is_read_as_any_other(shared_server, upgrade, cut, framed):
    """As Java's client sends its first request. Its body must never be read as a request of its own."""
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    rest = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY) if framed == "by its length" else chunked
    sent = (HEAD + upgrade + rest) * 2 + LAST
    at = sent.index(b"\r\n\r\n") + 4
    pieces = {"at once": [sent], "after the head": [sent[:at], sent[at:]], "each byte": [bytes((b,)) for b in sent]}
    connection = connect(shared_server.port)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces[cut]:
        connection.sendall(piece)
    found = until_closed(connection)
    assert (found.count(b"HTTP/1.1 200 OK"), found.count(b"HTTP/1.1 ")) == (3, 3)
    assert found.count(b"Hello there.") == 2
    assert found.endswith(b'{"status":"ok"}')


def test_body_of_a_request_that_asks_for_another_protocol_is_no_request(shared_server):
    hidden = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    connection = connect(shared_server.port, HEAD + UPGRADE + b"Content-Length: %d\r\n\r\n" % len(hidden))
    connection.sendall(hidden + LAST)
    found = until_closed(connection)
    assert found.count(b"HTTP/1.1 ") == 2
    assert b"handrail_" not in found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("keep", [b"", b"Connection: keep-alive\r\n"])
def test_client_of_http_1_0_gets_no_chunks(shared_server, stream, keep):
    body = BODY.replace(b"{", b'{"stream":true,', 1) if stream else BODY
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + keep
    found = until_closed(connect(shared_server.port, head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)))
    told, _, said = found.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in told.lower()
    assert said.startswith(b"data: {" if stream else b"{")
    assert said.endswith(b"data: [DONE]\n\n" if stream else b"}")
    assert b"Hello" in said


def test_address_that_is_taken_is_wrong_use(shared_server, root, write, config):
    write(root, "a", config(["Hello there."]))
    command = [sys.executable, "-m", "handrail_cli.app", "server", str(root), "--port", str(shared_server.port)]
    for more in ((), ("--workers", "2")):
        ended = subprocess.run([*command, *more], capture_output=True, text=True, timeout=300, check=False)
        assert ended.returncode == 2, ended.stderr
        assert "cannot listen on" in ended.stderr.replace("\n", " ")
        assert "Traceback" not in ended.stderr
