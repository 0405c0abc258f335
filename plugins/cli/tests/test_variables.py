"""Context variables of `handrail chat`, as rails are told of them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from handrail_cli.app import run

Capture = pytest.CaptureFixture[str]
Configuration = Callable[..., str]

pytestmark = pytest.mark.usefixtures("own_plugin")


def told(capsys: Capture) -> object:
    """Return the variables that the rail of the test was told."""
    shown = capsys.readouterr().err
    return ast.literal_eval(shown[shown.index("{") : shown.index("}") + 1])


@pytest.mark.parametrize("streaming", [[], ["--streaming"]])
def test_variables_reach_the_rails(streaming: list[str], configuration: Configuration, capsys: Capture, tmp_path: Path):
    facts = tmp_path / "facts.txt"
    facts.write_text("Tides are the moon's.\n")
    words = [
        "--variable",
        "name=a=b",
        "--variable",
        "limit:=3",
        "--variable",
        f"facts=@{facts}",
        "--variable",
        "name=c",
    ]
    path = configuration("tell variables", on_input=())
    assert run(["chat", path, "--message", "hello", *words, *streaming]) == 3
    found = told(capsys)
    assert isinstance(found, dict)
    assert {name: found[name] for name in ("name", "limit", "facts")} == {
        "name": "c",
        "limit": 3,
        "facts": "Tides are the moon's.\n",
    }


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("novalue", "has no name or no value; write NAME=TEXT"),
        ("=x", "has no name or no value"),
        ("a:={", "variable 'a' is not valid JSON"),
        ("a=@/nowhere/at/all", "'/nowhere/at/all' cannot be read: No such file"),
    ],
)
def test_a_variable_that_cannot_be_read_is_an_error(
    written: str, problem: str, configuration: Configuration, capsys: Capture
):
    assert run(["chat", configuration(), "--message", "hello", "--variable", written]) == 2
    assert problem in capsys.readouterr().err


def test_a_file_that_is_not_text_is_an_error(configuration: Configuration, capsys: Capture, tmp_path: Path):
    (tmp_path / "image").write_bytes(b"\xff\xfe\xfd")
    assert run(["chat", configuration(), "--message", "x", "--variable", f"a=@{tmp_path / 'image'}"]) == 2
    assert "is not valid UTF-8" in capsys.readouterr().err
