"""What the README says is so."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from handrail import Registry
from handrail.plugins import CommandSpec
from handrail_cli import ExitCode
from handrail_cli._json_lines import EVENTS
from handrail_cli._loop import HELP
from handrail_cli.app import run

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
SOURCES = Path(__file__).parents[1] / "src" / "handrail_cli"


def section(title: str) -> str:
    """Return the part below a title."""
    return re.split(r"^#+ ", README.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("command", ["chat", "check", "doctor", "plugins", "schema"])
def test_every_option_of_a_command_is_described(command: str, capsys: pytest.CaptureFixture[str]):
    run([command, "--help"])
    for option in set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}:
        assert f"`{option}" in section(f"handrail {command}")


def test_every_exit_code_is_described():
    assert re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE) == [str(int(code)) for code in ExitCode]


def test_every_event_is_described():
    described = set(
        re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (`.*?) \|", section("Events as JSON"), re.MULTILINE)))
    )
    assert described - {"event"} == {*EVENTS.values(), "error", "stopped", "check", "request", "times"}


def test_every_tag_and_input_command_is_described():
    tags = set(re.findall(r'_note\("([a-z ]+)"|tag, style = "([a-z ]+)"', (SOURCES / "_screen.py").read_text()))
    for tag in filter(None, (name for pair in tags for name in pair)):
        assert f"[{tag}]" in README
    for command in re.findall(r"^(/[a-z]+)", HELP, re.MULTILINE):
        assert f"`{command}`" in section("handrail chat")


def test_every_command_of_the_package_is_in_the_table():
    own = [p for p in Registry.discover().plugins if p.distribution == "handrail-cli"]
    for spec in own[0].specs:
        assert isinstance(spec, CommandSpec)
        assert f"| `handrail {spec.name}" in README


def test_the_example_of_a_command_runs(
    installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block is not None
    plugin, training = block[1].split("# handrail_toxicity/training.py\n")
    files = {"__init__.py": "", "plugin.py": plugin, "training.py": training}
    installed(
        "handrail-toxicity",
        {f"handrail_toxicity/{name}": content for name, content in files.items()},
        plugin="handrail_toxicity.plugin",
    )
    assert run(["train", "examples", "--epochs", "5"]) == 0
    assert capsys.readouterr().out == "5 times examples\n"
    assert isinstance(sys.modules["handrail_toxicity.training"], ModuleType)


@pytest.mark.parametrize("command", re.findall(r"^handrail (check .*)$", README, re.MULTILINE))
def test_the_commands_shown_run(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(Path(__file__).parents[3])
    assert run(command.split()) == 0
    assert capsys.readouterr().out
