"""The scripts of `handrail completion`, used by the shells themselves; `make tools` installs zsh and fish."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from handrail import Registry
from handrail.plugins import CommandSpec
from handrail_cli._completion import script
from handrail_cli.app import run

SHELLS: tuple[Literal["bash", "zsh", "fish"], ...] = ("bash", "zsh", "fish")
# What zsh offers is written to a file as it is added; its own lists are drawn for a screen.
_ZSHRC = """
autoload -U compinit && compinit -u -D
{source}
unsetopt autolist beep
compadd() {{
  [[ " ${{@[1,(i)(-|--)]}} " == *" -"[OAD]" "* ]] && {{ builtin compadd "$@"; return }}
  local -a offered; builtin compadd -A offered "$@"; print -rl -- $offered >> offered
  builtin compadd "$@"
}}
PS1=READY
"""
_CLEAR = "\x15"
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


def offered_by_zsh(folder: Path, line: str, *, times: int = 1) -> set[str]:
    """Type a line into zsh, press TAB, and return what it offers the last time."""
    offered = folder / "offered"
    terminal, inside = pty.openpty()
    environment = {**os.environ, "ZDOTDIR": str(folder), "TERM": "xterm"}
    command = ["zsh", "-d", "-i", "+m"]
    with subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, cwd=folder, env=environment, start_new_session=True
    ) as shell:
        os.close(inside)
        _read_until(terminal, rb"READY")
        for _ in range(times):
            offered.unlink(missing_ok=True)
            os.write(terminal, f"{_CLEAR}{line}\t{_CLEAR}print DO''NE\r".encode())
            _read_until(terminal, rb"DONE.*READY")  # what comes before the prompt is not read by zsh's editor
        shell.kill()
    os.close(terminal)
    return {word.strip() for word in offered.read_text().splitlines()} if offered.exists() else set()


def _read_until(terminal: int, mark: bytes) -> None:
    seen = b""
    while not re.search(mark, seen, re.DOTALL):
        seen += os.read(terminal, 65536)


def offered_by_fish(folder: Path, line: str) -> set[str]:
    """Return what fish offers for the end of a line."""
    (folder / "handrail.fish").write_text(script("fish", Registry.discover()))
    command = ["fish", "--no-config", "-c", "source handrail.fish; complete -C $argv[1]", line]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return {offer.split("\t")[0] for offer in done.stdout.splitlines()}


@pytest.fixture(params=["a file in $fpath", "eval"])
def zsh(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder whose zsh completes, set up in each way that the help names."""
    written = script("zsh", Registry.discover())
    in_path = request.param == "a file in $fpath"
    (tmp_path / "functions").mkdir()
    (tmp_path / ("functions/_handrail" if in_path else "script")).write_text(written)
    zshrc = _ZSHRC.format(source="" if in_path else 'eval "$(cat script)"')
    (tmp_path / ".zshrc").write_text(f"fpath=({tmp_path}/functions $fpath)\n{zshrc}")
    (tmp_path / "config.yml").write_text("")
    return tmp_path


@pytest.mark.parametrize("times", [1, 2])
def test_zsh_completes_commands_the_first_time_and_later(zsh: Path, times: int):
    assert offered_by_zsh(zsh, "handrail ch", times=times) == {"chat", "check"}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("handrail chat --m", {"--message", "--model"}),
        ("handrail completion ", {"bash", "zsh", "fish"}),
        ("handrail check conf", {"config.yml"}),
    ],
)
def test_zsh_and_fish_complete_options_values_and_files(zsh: Path, line: str, offered: set[str]):
    assert offered <= offered_by_zsh(zsh, line)
    assert offered <= offered_by_fish(zsh, line)


def test_fish_completes_commands(tmp_path: Path):
    assert offered_by_fish(tmp_path, "handrail ch") == {"chat", "check"}


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
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err
