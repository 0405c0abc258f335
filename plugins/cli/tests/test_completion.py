"""The scripts of `handrail completion`: bash's is run, for bash is on every machine that runs the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

import pytest
from handrail import Registry
from handrail.plugins import CommandSpec
from handrail_cli._completion import script
from handrail_cli.app import run

SHELLS: tuple[Literal["bash", "zsh", "fish"], ...] = ("bash", "zsh", "fish")
_PRESS_TAB = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_handrail 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "handrail.bash"
    file.write_text(script("bash", Registry.discover()))
    return file


def completed(bash: Path, *words: str, folder: Path | None = None) -> set[str]:
    """Return what bash offers for the last word."""
    command = ["bash", "--norc", "-c", _PRESS_TAB, "bash", str(bash), "handrail", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return {word.strip() for word in done.stdout.splitlines() if word.strip()}


def test_bash_completes_commands(bash: Path):
    assert completed(bash, "ch") == {"chat", "check"}


def test_bash_completes_the_options_of_a_command(bash: Path):
    assert {"--message", "--model"} <= completed(bash, "chat", "--m")
    assert "--message" not in completed(bash, "check", "--")


def test_bash_completes_files(bash: Path, tmp_path: Path):
    (tmp_path / "config.yml").write_text("")
    assert completed(bash, "check", "conf", folder=tmp_path) == {"config.yml"}


def test_bash_completes_the_shells(bash: Path):
    assert completed(bash, "completion", "") >= {"bash", "zsh", "fish"}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_the_script(shell: Literal["bash", "zsh", "fish"], capsys: pytest.CaptureFixture[str]):
    assert run(["completion", shell]) == 0
    written = capsys.readouterr().out
    assert [name for name in Registry.discover().names(CommandSpec) if name not in written] == []


def test_a_broken_command_is_left_out(own_plugin: None):
    assert "torn" not in script("bash", Registry.discover())


def test_an_unknown_shell_is_an_error_that_names_the_known_ones(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        run(["completion", "tcsh"])
    assert ended.value.code == 2
    assert '"bash", "zsh", "fish"' in capsys.readouterr().err
