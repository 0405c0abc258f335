from __future__ import annotations

import re
from pathlib import Path

import pytest
from handrail import RailsConfig, Registry
from handrail.plugins import ProviderSpec, RailSpec, hookimpl
from handrail_cli._welcome import ENGINES, first_configuration, welcome
from handrail_cli.app import run

Capture = pytest.CaptureFixture[str]


class Offering:
    def __init__(self, *engines: str, rails: tuple[str, ...] = ()) -> None:
        self._engines, self._rails = engines, rails

    @hookimpl
    def handrail_providers(self):
        yield from (ProviderSpec(name, "nowhere:X") for name in self._engines)

    @hookimpl
    def handrail_rails(self):
        yield from (RailSpec(name, "nowhere:X") for name in self._rails)


def shown_configuration(shown: str) -> str:
    """Return the file that a person is told to save."""
    return shown.split("Save this as config.yml:\n\n")[1].split("\n\n")[0]


def test_without_a_command_the_first_steps_are_shown(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert run([]) == 0
    shown = capsys.readouterr().out
    assert "handrail chat config.yml --streaming" in shown
    assert re.search(r"^  check +Load a configuration and report every problem\.$", shown, re.MULTILINE)


def test_the_first_configuration_works_as_it_is_shown(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run([])
    (tmp_path / "config.yml").write_text(shown_configuration(capsys.readouterr().out))
    assert run(["chat", "config.yml", "--streaming", "--message", "Who helps me?"]) == 0
    answer = capsys.readouterr().out
    assert answer.startswith("Write to ")
    assert "jane.doe@example.com" not in answer


def test_a_configuration_that_is_there_is_what_the_steps_are_about(capsys: Capture, tmp_path: Path):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "config.yml").write_text("models: []")
    assert welcome(Registry.discover(), tmp_path) == 0
    shown = capsys.readouterr().out
    assert "First steps with config/config.yml:\n  handrail check config " in shown
    assert "Save this" not in shown


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_has_a_first_configuration_that_can_be_read(engine: str):
    written = first_configuration(Registry().with_plugins(Offering(engine)))
    assert written is not None
    main = RailsConfig.from_content(yaml_content=written).model_for("main")
    assert main is not None
    assert main.engine == engine


def test_a_rail_is_named_only_where_it_is_installed():
    registry = Registry().with_plugins(Offering("tiny"))
    assert "rails" not in str(first_configuration(registry))
    registry = Registry().with_plugins(Offering("tiny", rails=("personal data check",)))
    assert "personal data check" in str(first_configuration(registry))


def test_without_an_engine_the_first_step_is_to_install_one(capsys: Capture, tmp_path: Path):
    assert welcome(Registry(), tmp_path) == 0
    assert 'pip install "handrail[openai,' in capsys.readouterr().out


def test_steps_of_commands_that_are_not_installed_are_left_out(capsys: Capture, tmp_path: Path):
    welcome(Registry().with_plugins(Offering("tiny")), tmp_path)
    assert "handrail server" not in capsys.readouterr().out
