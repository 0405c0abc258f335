from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from nemoguardrails.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["nemoguardrails", *words])
        main()
        return capsys.readouterr().out

    return run


def test_the_version_names_both_packages(run):
    assert run("--version") == "handrail-nemoguardrails 0.1.0, handrail 0.1.0\n"


def test_providers_are_listed(run):
    assert {"openai", "scripted"} <= set(run("find-providers").split())


def test_help_lists_the_commands(run):
    assert "chat [PATH | --config PATH] [--streaming] [--verbose]" in run()


def test_a_configuration_is_checked(run, tmp_path):
    (tmp_path / "config.yml").write_text("models: []", "utf-8")
    with pytest.raises(SystemExit) as ended:
        run("check", str(tmp_path))
    assert ended.value.code == 0


@pytest.mark.parametrize("command", ["convert", "actions-server"])
def test_a_command_that_is_not_offered_says_what_there_is_instead(run, command, capsys):
    with pytest.raises(SystemExit) as ended:
        run(command)
    assert ended.value.code == 2
    assert f"nemoguardrails {command} is not supported: " in capsys.readouterr().err


@pytest.fixture
def serve(settings, tmp_path):
    """Start `nemoguardrails server` as a process, with one configuration; give its port."""
    folder = tmp_path / "my_config"
    folder.mkdir()
    (folder / "config.yml").write_text(json.dumps(settings()), "utf-8")
    program = str(Path(sys.executable).with_name("nemoguardrails"))
    command = [program, "server", "--config", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = next(line for line in process.stderr if "listening at" in line)
            yield int(re.search(r":(\d+)", said.partition("http://")[2])[1])
        finally:
            process.terminate()
            process.stderr.read()


def test_the_server_answers_the_flat_body_whole_and_streamed(serve):
    hello = {"config_id": "my_config", "messages": [{"role": "user", "content": "Hello!"}]}
    assert json.loads(post(serve, hello)) == {"messages": [{"role": "assistant", "content": "The moon pulls the sea."}]}
    streamed = post(serve, {**hello, "stream": True})
    events = [line.removeprefix("data: ") for line in streamed.splitlines() if line]
    assert events[-1] == "[DONE]"
    deltas = [choice["delta"] for event in events[:-1] for choice in json.loads(event)["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "The moon pulls the sea."


def post(port, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == 200, text
    return text
