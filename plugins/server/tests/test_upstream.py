"""The command as a real process between real clients and a real upstream: ids pass through, and nothing outlives it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from handrail_testkit import replies
from handrail_testkit.replies import Ending, Pause, Reply
from ports import free_port

THREAD = "a-thread-of-at-least-16"
WORD = {"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
LEAVERS = 12
PROMPT = 20
"""Answers of the server within which the upstream is left: some 40 ms, and on a busy machine as long as they take."""


def endless() -> Reply:
    """A word every five milliseconds, for longer than any test."""
    return replies.sse((replies.event(WORD), Pause(0.005)) * 20_000)


def silent() -> Reply:
    return replies.sse((replies.event(WORD), Ending.HANG))


@pytest.fixture
def guarded(root, write, protocol_server):
    """A configuration whose model, and whose judge of questions, are at the upstream."""
    parameters = {"base_url": protocol_server.base_url, "api_key": "none", "max_retries": 0}
    main = {"type": "main", "engine": "openai", "model": "m", "parameters": parameters}
    judge = {**main, "type": "self_check_input", "model": "judge"}
    prompts = [{"task": "self_check_input", "content": "Block? {{ user_input }}"}]
    rails = {"input": {"flows": ["self check input"]}}
    write(root, "plain", {"models": [main]})
    write(root, "judged", {"models": [main, judge], "prompts": prompts, "rails": rails})
    return root


class Asked:
    """One streamed request; its answer is read by hand."""

    def __init__(self, port: int, config="plain", *, headers=None, **fields) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        fields = {"config_id": config, "messages": [{"role": "user", "content": "Hello!"}], "stream": True, **fields}
        sent = {"Content-Type": "application/json", **(headers or {})}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(fields), sent)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()

    def read_some(self) -> bytes:
        """Wait until text has come."""
        while b"word" not in (line := self.response.readline()):
            assert line
        return line

    def leave(self) -> None:
        self.response.close()
        self.connection.close()

    def cut_off(self) -> bool:
        """Return whether the connection ends before the answer does."""
        try:
            return not self.response.read().endswith(b"data: [DONE]\n\n")
        except (http.client.IncompleteRead, ConnectionError):
            return True
        finally:
            self.leave()


def ask_once(port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    body = {"config_id": "plain", "messages": [{"role": "user", "content": "Hello!"}], "stream": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def read_all(port: int, config="plain", **fields) -> bytes:
    asked = Asked(port, config, **fields)
    found = asked.response.read()
    asked.leave()
    return found


def wait_for(condition, seconds: float = 300) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)  # between looks at another process
    return True


def test_id_of_a_request_is_the_same_everywhere(run_server, guarded, protocol_server):
    server = run_server("--config", guarded)
    for given, stream in (("from-the-client:7", True), ("from-the-client:8", False), (None, True), (None, False)):
        protocol_server.requests.clear()
        protocol_server.will(replies.json_reply({"choices": [{"message": {"content": "no"}}]}))
        asked = Asked(server.port, "judged", headers={"X-Request-Id": given} if given else None, stream=stream)
        found = asked.response.headers["x-request-id"]
        asked.response.read()
        asked.leave()
        assert found == given or (given is None and found.startswith("req_"))
        assert [request.json["model"] for request in protocol_server.requests] == ["judge", "m"]
        assert {request.headers["x-client-request-id"] for request in protocol_server.requests} == {found}
        assert wait_for(lambda found=found: any(line.rstrip().endswith(found) for line in server.log))


def test_upstream_that_fails_gives_a_status_before_text_and_an_error_after_it(run_server, guarded, protocol_server):
    server = run_server("--config", guarded)
    for reply, status, code in (
        (replies.rate_limited("7"), 429, "rate_limit_exceeded"),
        (replies.error(500, "secret of the upstream", type="server_error"), 502, "model_failed"),
        (replies.error(400, "'stop' is too long", code="string_above_max_length"), 400, "string_above_max_length"),
        (replies.error(400, "secret", code="what I was told"), 400, "bad_request"),
        (replies.html(), 424, "model_misconfigured"),
        (Reply(before_headers=Ending.RESET), 502, "model_unreachable"),
    ):
        protocol_server.will(reply)
        found, body = ask_once(server.port)
        assert (found, json.loads(body)["error"]["code"]) == (status, code), body
        assert b"127.0.0.1" not in body
        assert b"secret" not in body
    for ending in (Ending.RESET, Ending.CLOSE):
        protocol_server.will(replies.sse((replies.event(WORD), Pause(0.05), ending)))
        status, body = ask_once(server.port)
        assert (status, b"word" in body, body.count(b'"model_unreachable"')) == (200, True, 1)
        assert body.endswith(b"data: [DONE]\n\n")


def answer_health(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    connection.close()


def test_client_that_leaves_stops_the_upstream_at_once(run_server, guarded, protocol_server):
    """Counted in answers to others. The quicker half counts: the upstream, in this process, may have to wait for it.

    The benchmark measures the time.
    """
    server = run_server("--config", guarded)
    for answer in (endless, silent):
        took = []
        for _ in range(LEAVERS):
            protocol_server.will(answer())
            asked = Asked(server.port)
            asked.read_some()
            asked.leave()
            answers = 0
            while not protocol_server.requests[-1].closed.is_set():
                answer_health(server.port)
                answers += 1
            took.append(answers)
        assert sorted(took)[LEAVERS // 2 - 1] <= PROMPT, took


def test_killed_process_leaves_nothing_and_another_takes_its_port(
    run_server, guarded, protocol_server, redis_url, tmp_path
):
    settings = tmp_path / "server.yml"
    settings.write_text("limits: {store_seconds: 300}\n", encoding="utf-8")
    options = ("--config", guarded, "--store", redis_url, "--settings", settings)
    server = run_server(*options, port=free_port())
    read_all(server.port, thread_id=THREAD, stream=False)
    protocol_server.will(endless(), silent())
    asked = [Asked(server.port, thread_id=THREAD) for _ in range(2)]
    for one in asked:
        one.read_some()
    server.signal(signal.SIGKILL)
    assert server.end() == -signal.SIGKILL
    assert all(one.cut_off() for one in asked)
    assert all(request.closed.wait(300) for request in protocol_server.requests[1:])
    again = run_server(*options, port=server.port)
    read_all(again.port, thread_id=THREAD, stream=False)
    kept = [message["role"] for message in protocol_server.requests[-1].json["messages"]]
    assert kept == ["user", "assistant", "user"]  # the whole turn before, and nothing of those that were cut off


def workers_of(pid: int) -> set[int]:
    """Return the processes that serve; a process has other children too, which help it."""
    found = set()
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()):
        with suppress(OSError):  # it has just ended
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
    return found


def test_killed_worker_is_replaced_and_takes_only_its_own_streams_with_it(run_server, guarded, protocol_server):
    server = run_server("--config", guarded, "--workers", "2")
    assert wait_for(lambda: len(workers_of(server.process.pid)) == 2)
    protocol_server.will(*(endless() for _ in range(6)))
    asked = [Asked(server.port) for _ in range(6)]
    for one in asked:
        one.read_some()
    for killed in workers_of(server.process.pid):
        os.kill(killed, signal.SIGKILL)
        assert wait_for(lambda killed=killed: len(workers_of(server.process.pid) - {killed}) == 2)
        for one, request in zip(asked, protocol_server.requests, strict=True):
            if not request.closed.is_set():
                one.read_some()
    assert all(request.closed.wait(300) for request in protocol_server.requests)
    assert all(one.cut_off() for one in asked)
    assert b"[DONE]" in read_all(server.port)


def test_workers_end_with_the_process_that_started_them(run_server, guarded, protocol_server):
    server = run_server("--config", guarded, "--workers", "2", port=free_port())
    workers = workers_of(server.process.pid)
    assert b"[DONE]" in read_all(server.port)
    server.signal(signal.SIGKILL)
    server.process.wait(300)
    assert wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    again = run_server("--config", guarded, port=server.port)
    assert b"[DONE]" in read_all(again.port)
