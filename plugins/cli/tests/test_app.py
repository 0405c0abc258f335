from __future__ import annotations

import errno
import io
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from handrail import Registry, __version__
from handrail.plugins import CommandSpec, hookimpl
from handrail_cli.app import main, run

HANDRAIL = str(Path(sys.executable).with_name("handrail"))


def greet(name: str, /, *, loud: bool = False) -> int:
    """Greet somebody.

    Args:
        name: Whom.
        loud: In capitals.
    """
    print(f"Hello {name}".upper() if loud else f"Hello {name}")
    return 7


class Greeting:
    @hookimpl
    def handrail_commands(self):
        yield CommandSpec("greet", greet, "Greet somebody.")


def test_help_lists_the_commands_of_every_package(capsys: pytest.CaptureFixture[str]):
    assert run(["--help"], Registry.discover().with_plugins(Greeting())) == 0
    shown = capsys.readouterr().out
    for command in ("chat", "check", "plugins", "greet", "--version"):
        assert command in shown
    assert "Chat with a guarded model." in shown


def test_a_command_of_another_package_runs_by_its_signature(capsys: pytest.CaptureFixture[str]):
    assert run(["greet", "you", "--loud"], Registry.discover().with_plugins(Greeting())) == 7
    assert capsys.readouterr().out == "HELLO YOU\n"


def test_the_help_of_a_command_describes_its_options(capsys: pytest.CaptureFixture[str]):
    assert run(["chat", "--help"]) == 0
    shown = capsys.readouterr().out
    for option in ("PATH", "--config", "--streaming", "--model", "--message", "--json", "--verbose"):
        assert option in shown
    assert "--no-" not in shown


def test_the_versions_of_all_packages_are_listed(capsys: pytest.CaptureFixture[str]):
    assert run(["--version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"handrail {__version__}"
    assert f"handrail-cli {__version__}" in lines
    assert lines[-1].startswith("Python 3.")


def test_an_unknown_command_says_what_was_meant(capsys: pytest.CaptureFixture[str]):
    assert run(["chta"]) == 2
    assert capsys.readouterr().err.startswith("handrail: unknown command 'chta'; did you mean 'chat'?")


def test_a_wrong_option_is_an_error_without_a_traceback(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        run(["chat", "--nope"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("handrail: unknown option '--nope'; see")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["completion"], "SHELL is missing; see 'handrail completion --help'"),
        (["chat", "--message"], "--message needs a value; see 'handrail chat --help'"),
        (["plugins", "more"], "unexpected argument 'more'; see 'handrail plugins --help'"),
        (["plugins", "[b]more"], "unexpected argument '[b]more'; see 'handrail plugins --help'"),
        (["chat", "--mesage"], "unknown option '--mesage'; did you mean '--message'? See 'handrail chat --help'"),
        (["doctor", "--timeout", "x"], "--timeout is 'x'; it must be a number; see 'handrail doctor --help'"),
        (["completion", "tcsh"], "SHELL is 'tcsh'; allowed: 'bash', 'zsh', 'fish'; see 'handrail completion --help'"),
        (["chat", "--streaming=7"], "--streaming is '7'; it must be true or false; see 'handrail chat --help'"),
    ],
)
def test_words_that_do_not_fit_are_named_with_the_help(words: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        run(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"handrail: {told}\n"


def test_an_output_that_cannot_be_written_is_an_error_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    class Full(io.TextIOWrapper):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.argv", ["handrail", "plugins"])
    with (tmp_path / "full").open("wb", buffering=0) as device, Full(device) as output:
        monkeypatch.setattr("sys.stdout", output)
        with pytest.raises(SystemExit) as ended:
            main()
        monkeypatch.undo()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "handrail: the output cannot be written: No space left on device\n"


def test_an_output_that_was_closed_before_the_start_is_no_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.argv", ["handrail", "plugins"])
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.close()
    assert ended.value.code == 0


def test_the_command_runs_as_a_module():
    ended = subprocess.run([sys.executable, "-m", "handrail", "chta"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr[:32]) == (2, "handrail: unknown command 'chta'")


def test_the_kernel_alone_says_which_package_has_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    with pytest.raises(SystemExit, match=r"install handrail\[cli\]"):
        runpy.run_module("handrail", run_name="__main__")


def test_a_command_that_cannot_be_imported_names_its_plugin(own_plugin: None, capsys: pytest.CaptureFixture[str]):
    assert run(["torn"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("handrail: handrail-of-tests 1.0: the target of 'torn'")
    assert run(["greet", "you"]) == 0
    assert capsys.readouterr().out == "Hello you\n"


def test_a_command_that_two_packages_offer_is_refused_and_no_other(
    own_plugin: None, capsys: pytest.CaptureFixture[str]
):
    registry = Registry.discover().with_plugins(Greeting())
    assert run(["greet", "you"], registry) == 2
    assert "command 'greet' is offered by handrail-of-tests 1.0 and by plugin 'Greeting'" in capsys.readouterr().err
    assert run(["--help"], registry) == 0
    assert "Cannot be used" in capsys.readouterr().out
    assert run(["plugins"], registry) == 0


def test_help_imports_nothing_heavy():
    code = """
import sys
from handrail_cli.app import run
run(["--help"])
run([])
heavy = {"pydantic", "tiktoken", "yaml", "handrail._rails", "handrail_cli._chat", "readline"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_reader_that_goes_away_ends_the_command_quietly():
    with subprocess.Popen([HANDRAIL, "plugins"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_text_that_the_encoding_lacks_is_escaped(configuration: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    command = [HANDRAIL, "chat", configuration(), "--message", "markup"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert b"\\u241b[31mred" in done.stdout
    assert done.stderr == b""
