"""The protocol server does what its replies say, as the official client sees it and as the bytes are."""

from __future__ import annotations

import gc
import socket
import ssl
import subprocess
import sys

import httpx2
import pytest
from handrail import ToolCall, Usage
from handrail_scripted import Answer, ScriptedProvider
from handrail_testkit import Completion, Ending, Pause, ProtocolServer, Reply, replies

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def ask(server, **more):
    with httpx2.Client(timeout=300) as client:
        return client.post(f"{server.base_url}/chat/completions", json={**BODY, **more})


def raw(server, payload, count=1):
    """Send bytes, and give what comes until the server closes, or as many segments."""
    with socket.create_connection(("127.0.0.1", int(server.origin.rpartition(":")[2])), timeout=300) as connection:
        connection.sendall(payload)
        return b"".join(iter(lambda: connection.recv(65536), b"")) if count is None else connection.recv(65536)


def events(response):
    return [line.removeprefix("data: ") for line in response.text.split("\n\n") if line.startswith("data: ")]


def test_a_stream_is_events_that_end_with_done(protocol_server):
    response = ask(protocol_server, stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-request-id"] == "req_1"
    assert events(response)[-1] == "[DONE]"
    assert '"usage"' not in response.text


def test_usage_comes_only_when_asked_for_and_without_choices(protocol_server):
    response = ask(protocol_server, stream=True, stream_options={"include_usage": True})
    assert '"choices":[]' in events(response)[-2]
    assert '"total_tokens":18' in events(response)[-2]


def test_a_request_that_does_not_stream_gets_one_object(protocol_server):
    protocol_server.will(Completion(tool_calls=(ToolCall("c", "f", "{}"),), reasoning=("hm",), usage=Usage(1, 2)))
    whole = ask(protocol_server).json()
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == "Hello, world!"
    assert whole["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    assert whole["choices"][0]["finish_reason"] == "tool_calls"


def test_answers_are_given_in_order_and_then_the_default(protocol_server):
    protocol_server.will(Completion(pieces=("one",)), Completion(pieces=("two",)))
    texts = [ask(protocol_server).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert texts == ["one", "two", "Hello, world!"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "", "messages": [{}]}, 400, "missing_required_parameter"),
        ({"model": "m", "messages": []}, 400, "missing_required_parameter"),
        ({"model": "other", "messages": [{}]}, 404, "model_not_found"),
    ],
)
def test_bad_requests_are_refused_as_openai_does(protocol_server, body, status, code):
    protocol_server.models = {"m": None}
    response = httpx2.post(f"{protocol_server.base_url}/chat/completions", json=body)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code


def test_a_key_is_required_if_the_server_has_one(protocol_server):
    protocol_server.key = "sk-right"
    assert ask(protocol_server).status_code == 401
    headers = {"authorization": "Bearer sk-right"}
    url = f"{protocol_server.base_url}/chat/completions"
    assert httpx2.post(url, json=BODY, headers=headers).status_code == 200


def test_models_are_listed(protocol_server):
    protocol_server.models = {"a": None, "b": None}
    listed = httpx2.get(f"{protocol_server.base_url}/models").json()
    assert [model["id"] for model in listed["data"]] == ["a", "b"]


def test_other_addresses_are_not_found(protocol_server):
    assert httpx2.get(f"{protocol_server.origin}/other").status_code == 404


def test_no_json_is_a_bad_request(protocol_server):
    assert httpx2.post(f"{protocol_server.base_url}/chat/completions", content=b"{").status_code == 400


def test_each_piece_is_an_http_chunk_of_its_own(protocol_server):
    protocol_server.will(replies.sse([b"data: \xc3", b"\xa9\n\n"], burst=True))
    request = b"POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: 45\r\n\r\n"
    sent = raw(protocol_server, request + b'{"model": "m", "messages": [1], "stream": 1}  '[:45], count=None)
    assert sent.endswith(b"\r\n\r\n7\r\ndata: \xc3\r\n3\r\n\xa9\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_a_connection_can_be_broken_at_any_place(protocol_server, ending):
    protocol_server.will(replies.sse([b"data: 1\n\n", ending]), Reply(before_headers=ending))
    for _ in range(2):
        with pytest.raises(httpx2.TransportError):
            ask(protocol_server, stream=True)


def test_a_hang_lasts_until_the_client_leaves(protocol_server):
    protocol_server.will(Reply(before_headers=Ending.HANG))
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{protocol_server.base_url}/chat/completions", json=BODY, timeout=0.1)
    assert protocol_server.wait_idle()
    assert protocol_server.requests[0].closed.is_set()
    assert protocol_server.active == 0


def test_pauses_take_their_time(protocol_server):
    protocol_server.will(Reply((b"x",), before_headers=Pause(0.001)).then(Pause(0.001), b"y"))
    assert ask(protocol_server).text == "xy"


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_body_is_delimited_as_the_reply_says(protocol_server, framing):
    protocol_server.will(Reply((b"one", b"two"), framing=framing))
    response = ask(protocol_server)
    assert response.text == "onetwo"
    assert ("content-length" in response.headers) == (framing == "length")
    assert ("transfer-encoding" in response.headers) == (framing == "chunked")


def test_cutting_loses_nothing():
    body = b"".join(replies.stream(Completion()))
    for pieces in (replies.cut(body, every=7), replies.cut(body, at=(1, 5)), replies.cut(body, seed=3)):
        assert b"".join(pieces) == body
        assert len(pieces) > 1


def test_a_provider_can_be_served_with_its_pace_errors_and_tool_calls():
    answers = (
        Answer.model_validate({"contains": "tool", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]}),
        Answer.model_validate({"contains": "fail", "error": {"type": "rate_limit", "retry_after": 3}}),
        Answer.model_validate({"contains": "break", "text": "Once upon", "error": {"type": "server", "after": 1}}),
    )
    model = ScriptedProvider({"answers": answers, "default": {"text": "Hello there"}})
    with ProtocolServer(models={"m": model}) as server:
        said = {
            word: ask(server, messages=[{"role": "user", "content": word}], stream=True)
            for word in ("hello", "tool", "fail", "break")
        }
    assert '"content":" there"' in said["hello"].text
    assert events(said["hello"])[-1] == "[DONE]"
    assert '"finish_reason":"tool_calls"' in said["tool"].text
    assert (said["fail"].status_code, said["fail"].headers["retry-after"]) == (429, "3.0")
    assert '"error"' in events(said["break"])[-1]


def test_certificates_are_made_for_the_names_that_are_asked_for(authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    with ProtocolServer(tls=authority.serve()) as server:
        assert httpx2.get(f"{server.base_url}/models", verify=context).status_code == 200
    with ProtocolServer(tls=authority.serve("example.org")) as server, pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{server.base_url}/models", verify=context)


def test_connections_that_are_accepted_as_the_server_ends_are_closed():
    for _ in range(20):
        with ProtocolServer() as server:
            address = ("127.0.0.1", int(server.origin.rpartition(":")[2]))
            clients = [socket.create_connection(address) for _ in range(5)]
        for client in clients:
            client.close()
    gc.collect()  # what was left open would be a warning now


def test_a_server_that_cannot_start_says_so():
    with ProtocolServer() as server, pytest.raises(OSError, match="address already in use"):
        ProtocolServer(port=int(server.origin.rpartition(":")[2])).__enter__()


def test_scripted_models_are_served_from_the_command_line(tmp_path):
    (tmp_path / "answers.yml").write_text("answers:\n  - Hello from a file.\n")
    command = [sys.executable, "-m", "handrail_testkit", "mine=answers.yml", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        base_url = process.stdout.readline().split()[-1]
        answer = httpx2.post(f"{base_url}/chat/completions", json={**BODY, "model": "mine", "stream": True})
        process.terminate()
        assert process.wait(300) == 0
    assert '"content":"Hello"' in answer.text


@pytest.mark.parametrize("arguments", [["answers.yml"], ["mine=missing.yml"]])
def test_wrong_arguments_are_told(arguments, capsys):
    from handrail_testkit.__main__ import main

    with pytest.raises(SystemExit):
        main(arguments)
    assert "answers.yml" in capsys.readouterr().err or "missing.yml" in arguments[0]
