"""The command as a real process: it starts, is left, drains, and ends."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn
from handrail_cli.app import run

BODY = {"messages": [{"role": "user", "content": "Hello!"}], "stream": True}
JSON = {"Content-Type": "application/json"}
PROMPT = 20
"""Answers of the server within which it notices what happens: how long they take is the machine's affair."""


def slow(config, tokens: int = 400, rate: int = 50):
    return config([" word" * tokens], parameters={"tokens_per_second": rate})


def open_stream(port: int, body=BODY):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), JSON)
    response = connection.getresponse()
    assert response.status == 200
    return connection, response


def read_stream(port: int) -> bytes:
    connection, response = open_stream(port)
    rest = response.read()
    connection.close()
    return rest


def metric(port: int, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def wait_for(condition, seconds: float = 300) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)  # between looks at another process
    return True


def test_curl_shows_the_stream_as_it_comes(run_server, root, write, config):
    write(root, "my_config", config(["Hello there."]))
    server = run_server("--config", root)
    body = '{"config_id": "my_config", "messages": [{"role": "user", "content": "Hello!"}], "stream": true}'
    command = ["curl", "-sN", f"{server.url}/v1/chat/completions", "-H", "Content-Type: application/json", "-d", body]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    assert answer.startswith('data: {"id":"chatcmpl-')
    assert answer.endswith("data: [DONE]\n\n")


def test_client_that_leaves_is_noticed(run_server, root, write, config):
    write(root, "a", slow(config, tokens=5000))
    server = run_server("--config", root)
    connection, response = open_stream(server.port)
    assert metric(server.port, "handrail_streams_open") == 1
    response.close()
    connection.close()
    assert any(metric(server.port, "handrail_streams_open") == 0 for _ in range(PROMPT))
    assert wait_for(lambda: any("/v1/chat/completions" in line for line in server.log))


def test_sigterm_lets_streams_end(run_server, root, write, config):
    write(root, "a", slow(config, tokens=50))
    server = run_server("--config", root)
    connection, response = open_stream(server.port)
    server.signal()
    rest = response.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    assert b'"finish_reason":"stop"' in rest
    connection.close()
    assert server.end() in (0, -signal.SIGTERM)


def test_drain_has_a_limit_and_says_so_in_the_stream(run_server, root, write, config, tmp_path):
    write(root, "a", slow(config, tokens=5000))
    settings = tmp_path / "server.yml"
    settings.write_text("drain_seconds: 0.3\n", encoding="utf-8")
    server = run_server("--config", root, "--settings", settings)
    connection, response = open_stream(server.port)
    server.signal()
    rest = response.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    assert b"shutting_down" in rest
    assert rest.count(b" word") < 2500  # of 5000, which take 100 seconds
    connection.close()
    assert server.end() in (0, -signal.SIGTERM)


def test_request_on_an_open_connection_is_sent_elsewhere_while_draining(run_server, root, write, config):
    write(root, "a", slow(config, tokens=100))
    server = run_server("--config", root)
    connection, response = open_stream(server.port)
    server.signal()
    assert wait_for(lambda: _refused(server.port))
    assert response.read().endswith(b"data: [DONE]\n\n")
    connection.close()
    server.end()


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 300).close()
    except OSError:
        return True
    return False


def test_several_processes_serve_and_end(run_server, root, write, config):
    write(root, "a", slow(config, tokens=10))
    server = run_server("--config", root, "--workers", "2")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: read_stream(server.port), range(8)))
    assert all(answer.endswith(b"data: [DONE]\n\n") for answer in answers)
    server.signal()
    assert server.end() in (0, -signal.SIGTERM)


def test_auto_reload_serves_an_edit(run_server, root, write, config):
    write(root, "a", config(["the old answer"]))
    server = run_server("--config", root, "--auto-reload")
    assert b" old" in read_stream(server.port)
    write(root, "a", config(["a brand new one"]))
    assert wait_for(lambda: any("loaded again" in line for line in server.log))
    assert b" brand" in read_stream(server.port)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--config", "/nowhere/at/all"], "no such file or folder"),
        ([], "handrail server PATH"),
        (["--settings", "/dev/null"], "config: "),
        (["{root}", "--host", "0.0.0.0"], "--insecure"),
        (["{root}", "--keys", "/nowhere/at/all"], "the file cannot be read: No such file"),
        (["--config", "{root}", "--port", "99999"], "port: "),
        (["--config", "{root}", "--api-key-env", "UNSET_FOR_SURE"], "UNSET_FOR_SURE"),
        (["--config", "{root}", "--default-config-id", "b"], "known: a"),
        (["--config", "{root}", "--store", "mongodb://x"], "redis://"),
        (["{root}", "--config", "x"], "configuration given twice"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(root, write, config, arguments, says, capsys, monkeypatch):
    def serves(*_):
        raise AssertionError("it serves after all")

    monkeypatch.setattr(uvicorn.Server, "run", serves)
    write(root, "a", config())
    assert run(["server", *(word.format(root=root) for word in arguments)]) == 2
    assert says in capsys.readouterr().err.replace("\n", " ")


def test_broken_configuration_is_said_before_anybody_asks_for_it(run_server, root, write, config):
    write(root, "a", config(["fine"]))
    write(root, "b", {"models": "none"})
    server = run_server("--config", root)
    assert wait_for(lambda: any("configuration b cannot be used" in line for line in server.log), 10)


def test_broken_default_configuration_is_said_before_listening(root, write):
    write(root, "a", {"models": "none"})
    command = [sys.executable, "-m", "handrail_cli.app", "server", str(root)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 2
    assert "config.yml:1:" in ended.stderr.replace("\n", "")


def _server_whose_log_is_not_read(root):
    """Return a process of which nothing is read any more once it listens, the port, and what was read."""
    command = [sys.executable, "-m", "handrail_cli.app", "server", "--port", "0", "--config", str(root)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, bufsize=0)
    begun = b""
    while b"listening at" not in begun or not begun.endswith(b"\n"):
        begun += process.stderr.read(65536)
    return process, int(re.search(rb"listening at http://\S+:(\d+)", begun)[1]), begun


def _ask_often(port: int, times: int) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    paths = [f"/{number:06d}{'x' * 200}" for number in range(times)]
    for path in paths:
        connection.request("GET", path)
        assert connection.getresponse().read()
    connection.close()
    return paths


def test_log_that_is_read_late_is_whole_and_stops_nobody(root, write, config):
    write(root, "a", config())
    process, port, begun = _server_whose_log_is_not_read(root)
    paths = _ask_often(port, 1000)  # several times what a pipe holds
    process.send_signal(signal.SIGTERM)
    lines = (begun + process.stderr.read()).decode().splitlines()
    assert process.wait(300) in (0, -signal.SIGTERM)
    process.stderr.close()
    told = [match[1] for line in lines if (match := re.search(r"(/\d{6}x+)", line))]
    assert told == paths
    assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in lines)


def test_server_whose_log_nobody_reads_ends(root, write, config):
    write(root, "a", config())
    process, port, _ = _server_whose_log_is_not_read(root)
    _ask_often(port, 1000)
    process.send_signal(signal.SIGTERM)
    assert process.wait(300) in (0, -signal.SIGTERM)
    process.stderr.close()
