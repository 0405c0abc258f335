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
    assert run("--version") == "handrail-nemoguardrails 0.2.0, handrail 0.2.0\n"


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


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two processes"])
def serve(request, settings, tmp_path_factory):
    """Start `nemoguardrails server`, with one configuration, in so many processes; give its port."""
    root = tmp_path_factory.mktemp("served")
    folder = root / "my_config"
    folder.mkdir()
    (folder / "config.yml").write_text(json.dumps(settings()), "utf-8")
    program = str(Path(sys.executable).with_name("nemoguardrails"))
    command = [program, "server", "--config", str(root), "--port", "0", "--workers", str(request.param)]
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


def test_the_served_protocol_is_that_of_the_original(serve):
    messages = [{"role": "context", "content": {"topic": "tides"}}, {"role": "user", "content": "Hello!"}]
    asked = {"model": "gpt-4o", "guardrails": {"config_id": "my_config"}, "messages": messages}
    assert json.loads(post(serve, asked))["choices"][0]["message"]["content"] == "The moon pulls the sea."
    talk = [*messages[1:], {"role": "assistant", "content": "The moon."}]
    checks = {**asked, "messages": talk, "guardrails": {"config_id": "my_config", "rail_types": ["output"]}}
    assert json.loads(post(serve, checks, "/v1/checks"))["status"] == "passed"


def test_rails_may_be_chosen_where_the_settings_do_not_say_otherwise(serve):
    chosen = {"rails": {"output": False}, "log": {"internal_events": True}}
    hello = {"config_id": "my_config", "messages": [{"role": "user", "content": "Hello!"}], "options": chosen}
    assert json.loads(post(serve, hello))["messages"][0]["content"] == "The moon pulls the sea."


def post(port, body, path="/v1/chat/completions"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == 200, text
    return text
