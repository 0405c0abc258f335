from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from handrail_cli.app import run

Capture = pytest.CaptureFixture[str]
Configuration = Callable[..., str]

KEY, PASSWORD = "sk-this-is-never-shown", "verysecret"

QUOTING = """
from handrail.errors import ProviderAuthenticationError

class Quoting:
    def __init__(self, settings, context):
        pass
    async def stream(self, messages, params):
        raise ProviderAuthenticationError("wrong key: KEY")
        yield
"""
PLUGIN = """
from handrail.plugins import ProviderSpec, hookimpl

@hookimpl
def handrail_providers():
    yield ProviderSpec("quoting", "handrail_quoting.parts:Quoting")
"""


@pytest.fixture(autouse=True)
def plugins(own_plugin: None, installed: Callable[..., None]) -> None:
    files = {
        "handrail_quoting/__init__.py": "",
        "handrail_quoting/plugin.py": PLUGIN,
        "handrail_quoting/parts.py": QUOTING.replace("KEY", KEY),
    }
    installed("handrail-quoting", files, plugin="handrail_quoting.plugin")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """Run Redis with a password; return its address, with it."""
    listening = tmp_path / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(listening), "--requirepass", PASSWORD, "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "ready to accept connections" in line.lower():
                break
        yield f"unix://:{PASSWORD}@{listening}"
        process.terminate()


def rows(shown: str) -> dict[str, str]:
    """Return what is said of each trial, by its kind."""
    lines = [line.split(maxsplit=1) for line in shown.splitlines() if line.startswith("  ")]
    return dict(lines)


def quoting(tmp_path: Path) -> str:
    file = tmp_path / "config.yml"
    model = {"type": "main", "engine": "quoting", "api_key_env_var": "SOME_PROVIDER"}
    file.write_text(yaml.safe_dump({"models": [model]}))
    return str(file)


def test_without_ask_no_model_is_asked(configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration("explode")]) == 0
    shown = capsys.readouterr().out
    assert "No model was asked. --ask sends" in shown
    assert set(rows(shown)) == {"vocabulary"}


def test_models_and_rails_are_asked_when_that_is_wanted(configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration("nothing wrong", on_input=("nothing wrong",)), "--ask"]) == 0
    shown = capsys.readouterr().out
    assert "everything that was tried works" in shown
    assert "  model       main (scripted/parrot)  " in shown
    assert "  rail        nothing wrong (input)   " in shown
    assert "  rail        nothing wrong (output)  " in shown
    assert "No model was asked" not in shown


def test_a_rail_that_fails_is_told_and_the_others_are_still_asked(configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration("explode", "nothing wrong"), "--ask", "--json"]) == 4
    trials = json.loads(capsys.readouterr().out)["trials"]
    found = {trial["name"]: (trial["status"], trial["detail"]) for trial in trials if trial["kind"] == "rail"}
    status, detail = found["explode (output)"]
    assert status == "failed"
    assert "boom" in detail
    assert found["nothing wrong (output)"][0] == "ok"


def test_a_rail_that_fails_open_has_failed(configuration: Configuration, capsys: Capture):
    path = configuration("explode", rail_config={"explode": {"on_error": "allow"}})
    assert run(["doctor", path, "--ask"]) == 4
    assert "on_error: allow lets text pass" in capsys.readouterr().out


def test_a_model_that_fails_is_told(configuration: Configuration, capsys: Capture):
    path = Path(configuration())
    loaded = yaml.safe_load(path.read_text())
    loaded["models"].append({"type": "judge", "engine": "impolite", "model": "x"})
    path.write_text(yaml.safe_dump(loaded))
    assert run(["doctor", str(path), "--ask"]) == 5
    assert "KeyError: 'what'" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_key_is_never_shown_although_the_server_quotes_it(
    options: list[str], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SOME_PROVIDER", KEY)
    assert run(["doctor", quoting(tmp_path), "--ask", *options]) == 5
    shown = capsys.readouterr()
    assert "wrong key: ***" in shown.out
    assert KEY not in shown.out + shown.err


def test_a_key_that_is_missing_is_named(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SOME_PROVIDER", raising=False)
    assert run(["doctor", quoting(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert "SOME_PROVIDER" in shown.out + shown.err


def test_a_store_that_answers(redis: str, configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration(), "--store", redis]) == 0
    shown = capsys.readouterr().out
    assert "answered PING" in shown
    assert "unix://***@/" in shown
    assert PASSWORD not in shown


def test_a_store_with_another_password(redis: str, configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration(), "--store", redis.replace(PASSWORD, "quite-another")]) == 2
    shown = capsys.readouterr().out
    assert rows(shown)["store"].split()[1] == "failed"
    assert "quite-another" not in shown


def test_a_store_that_is_not_there(configuration: Configuration, capsys: Capture):
    with socket.socket() as silent:  # has the port, so that nobody else gets it, and does not listen
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert run(["doctor", configuration(), "--store", f"redis://:verysecret@127.0.0.1:{port}/0"]) == 2
    shown = capsys.readouterr().out
    assert rows(shown)["store"].split()[1] == "failed"
    assert "verysecret" not in shown


def test_a_store_whose_address_is_wrong(configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration(), "--store", "http://:verysecret@x"]) == 2
    shown = capsys.readouterr()
    assert "verysecret" not in shown.out + shown.err


def test_a_configuration_with_problems_is_told_as_an_error(configuration: Configuration, capsys: Capture):
    assert run(["doctor", configuration("no such rail")]) == 2
    assert "unknown rail 'no such rail'" in capsys.readouterr().err
