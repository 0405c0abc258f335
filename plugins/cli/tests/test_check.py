from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from handrail_cli.app import run

Configuration = Callable[..., str]
Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("own_plugin")


def test_a_configuration_that_can_be_used_is_described(configuration: Configuration, capsys: Capture):
    path = configuration("no curse", "shout", on_input=("nothing wrong",))
    assert run(["check", path]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{path} can be used\nmodels\n  main  scripted/parrot  handrail-scripted 0.1.0\n")
    assert "input rails\n  nothing wrong  handrail-of-tests 1.0  sees the message whole" in shown
    assert (
        "output rails, one after the other\n  no curse  handrail-of-tests 1.0  windows by rolling (handrail 0.1.0)"
        in shown
    )
    assert "at most 6 tokens, 2 of them overlap, 2 held, first after 4, 8 at once, 30 s each, a failure blocks" in shown
    assert "shout     handrail-of-tests 1.0  reads the stream" in shown
    assert "streaming\n  enabled for output rails" in shown
    assert "counted with" in shown


def test_what_may_not_be_meant_is_a_warning(configuration: Configuration, capsys: Capture, tmp_path: Path):
    assert run(["check", configuration("no curse", streaming={"enabled": False})]) == 0
    assert "answers can be generated whole, not streamed" in capsys.readouterr().out
    empty = tmp_path / "empty.yml"
    empty.write_text("instructions: []\n")
    assert run(["check", "--config", str(empty)]) == 0
    shown = capsys.readouterr().out
    assert "nothing can be asked" in shown
    assert "no rails: everything passes" in shown


def test_what_a_rail_sets_for_itself_is_described(configuration: Configuration, capsys: Capture):
    options = {
        "streaming": {"chunk_size": 9, "stream_first": True},
        "on_error": "allow",
        "channels": ["text", "reasoning"],
    }
    assert run(["check", configuration("no curse", rail_config={"no curse": options})]) == 0
    shown = capsys.readouterr().out
    for said in (
        "at most 9 tokens",
        "text goes out before it is checked",
        "a failure passes",
        "watches text, reasoning",
    ):
        assert said in shown


def test_every_problem_is_reported_with_its_place(configuration: Configuration, capsys: Capture):
    path = configuration("no cruse", "explode", on_input=("explod",))
    assert run(["check", path]) == 2
    *problems, last = capsys.readouterr().out.splitlines()
    assert last == f"{path}: 2 problems"
    for problem, name in zip(sorted(problems), sorted(["no curse", "explode"], reverse=True), strict=True):
        file, line, column, _ = problem.split(":", 3)
        assert (file, line.isdigit(), column.isdigit()) == (path, True, True)
        assert f"did you mean {name!r}?" in problem or "unknown rail" in problem


def test_a_file_that_is_no_yaml_is_one_problem(tmp_path: Path, capsys: Capture):
    file = tmp_path / "config.yml"
    file.write_text("models:\n\t- type: main\n")
    assert run(["check", str(file)]) == 2
    assert f"{file}:2:1: " in capsys.readouterr().out


def test_as_json(configuration: Configuration, capsys: Capture):
    path = configuration("no curse")
    assert run(["check", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["path"], found["problems"], found["streaming"]) == (path, [], True)
    (rail,) = found["output_rails"]
    assert (rail["flow"], rail["kind"], rail["plugin"]) == ("no curse", "window", "handrail-of-tests 1.0")
    assert rail["window"]["chunk_size"] == 6
    assert run(["check", configuration("no cruse"), "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["file"] == path
    assert isinstance(problem["line"], int)
    assert problem["message"].startswith("unknown rail 'no cruse'")


def test_a_secret_among_the_parameters_is_not_shown(tmp_path: Path, capsys: Capture):
    file = tmp_path / "config.yml"
    model = "{type: main, engine: scripted, model: m, parameters: {answers: [hi], api_key: sk-abcdefghijkl}}"
    file.write_text(f"models: [{model}]\n")
    run(["check", str(file)])
    assert "abcdefghijkl" not in "".join(capsys.readouterr())


def test_nothing_named_is_an_error_of_usage(capsys: Capture):
    assert run(["check"]) == 2
    assert capsys.readouterr().err.startswith("handrail: no configuration is named")
