from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from handrail import Registry
from handrail.errors import Problem
from handrail_cli._missing import missing_in
from handrail_cli._parameters import configurations_in
from handrail_cli.app import run
from handrail_scripted import ScriptedProvider

Configuration = Callable[..., str]
Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("own_plugin")


def test_a_model_whose_server_has_several_interfaces_is_shown_with_the_one_it_is_asked_by(
    configuration: Configuration, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    path = configuration("no curse")
    monkeypatch.setattr(ScriptedProvider, "api", "responses", raising=False)
    assert run(["check", path]) == 0
    assert "  main  scripted/parrot  handrail-scripted 0.2.0  api: responses\n" in capsys.readouterr().out
    assert run(["check", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["api"] == "responses"


def test_a_folder_that_cannot_be_read_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The tests may run as root, who can read everything."""
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yml").write_text("models: []")
    listed = Path.iterdir

    def refuse(folder: Path) -> Iterator[Path]:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert configurations_in(tmp_path) == [tmp_path / "open"]


def test_a_configuration_that_can_be_used_is_described(configuration: Configuration, capsys: Capture):
    path = configuration("no curse", "shout", on_input=("nothing wrong",))
    assert run(["check", path]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{path} is valid\nmodels\n  main  scripted/parrot  handrail-scripted 0.2.0\n")
    assert "input rails\n  nothing wrong  handrail-of-tests 1.0  sees the message whole" in shown
    assert (
        "output rails, one after the other\n  no curse  handrail-of-tests 1.0  windows by rolling (handrail 0.2.0)"
        in shown
    )
    assert "at most 6 tokens, 2 of them overlap, 2 held, first after 4, 8 at once, 30 s each, a failure blocks" in shown
    assert "shout     handrail-of-tests 1.0  stream rail: holds back only text that may still match" in shown
    assert "streaming\n  enabled for output rails" in shown
    assert "  reasoning   guarded by no rail; the server and `handrail chat` withhold it" in shown
    assert "counted with" in shown


def test_a_variable_of_the_environment_in_a_models_name_is_a_warning(capsys: Capture, tmp_path: Path):
    (file := tmp_path / "config.yml").write_text(
        "models: [{type: main, engine: scripted, model: '${MODEL}', parameters: {answers: [a]}}]\n"
    )
    assert run(["check", str(file)]) == 0
    assert f"{file}:1:48: '${{MODEL}}' is sent as it is written" in capsys.readouterr().out


def test_what_may_not_be_meant_is_a_warning(configuration: Configuration, capsys: Capture, tmp_path: Path):
    assert run(["check", configuration("no curse", streaming={"enabled": False})]) == 0
    assert "answers can be generated whole, not streamed" in capsys.readouterr().out
    empty = tmp_path / "empty.yml"
    empty.write_text("instructions: []\n")
    assert run(["check", "--config", str(empty)]) == 0
    shown = capsys.readouterr().out
    assert "not generated" in shown
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
        "  text        no curse\n",
        "  tool calls  guarded by no rail\n",
        "  reasoning   no curse\n",
    ):
        assert said in shown


def test_every_problem_is_reported_with_its_place(configuration: Configuration, capsys: Capture):
    path = configuration("no cruse", "explode", on_input=("explod",))
    assert run(["check", path]) == 2
    shown = capsys.readouterr().out.splitlines()
    problems = shown[: shown.index("names")]
    assert shown[-1] == f"{path}: 2 problems"
    for problem, name in zip(sorted(problems), sorted(["no curse", "explode"], reverse=True), strict=True):
        file, line, column, _ = problem.split(":", 3)
        assert (file, line.isdigit(), column.isdigit()) == (path, True, True)
        assert f"did you mean {name!r}?" in problem or "unknown rail" in problem


def test_problems_that_may_hide_others_say_so(tmp_path: Path, capsys: Capture):
    path = write(tmp_path, "models: []\nrails: {outptu: {}, output: {flows: [no such rail]}}\n")
    assert run(["check", path]) == 2
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"{path}: 1 problem; engines, rails and prompts are checked once the file can be read"
    assert run(["check", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().out.splitlines()[-1].endswith(": 1 problem")


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
    assert capsys.readouterr().err.startswith("handrail: no configuration given")


def write(folder: Path, content: str) -> str:
    (folder / "config.yml").write_text(content)
    return str(folder)


MISSING = """
models:
  - {type: main, engine: openai, model: m, api_key_env_var: NO_SUCH_KEY}
  - {type: local, engine: huggingface, model: ./no-such-folder}
  - {type: judge, engine: scripted, parameters: {answers: nowhere.yml}}
rails:
  input:
    flows: [self check input, no curse]
  output:
    flows: [phrase check, made up]
    streaming: {enabled: true, strategy: sentence}
"""


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have two packages be as if they were not installed."""
    absent = ["handrail-patterns", "handrail-strategies"]
    registry = Registry.discover().without(absent)
    monkeypatch.setattr("handrail_cli._check.Registry.discover", lambda: registry)
    monkeypatch.setattr("handrail_cli._packages.is_installed", lambda package: package not in absent)


def test_what_is_missing_is_told_with_how_to_get_it(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path, MISSING)
    uninstall(monkeypatch)
    assert run(["check", path]) == 2
    *missing, last = capsys.readouterr().out.split("\nmissing\n")[1].splitlines()
    assert last == f"{path}: 7 problems"
    rows = [tuple(re.split(r" {2,}", line.strip())) for line in missing]
    assert rows == [
        ("environment variable", "NO_SUCH_KEY", "export NO_SUCH_KEY=..."),
        ("file", str(tmp_path / "no-such-folder"), "put it there, or correct its name"),
        ("file", str(tmp_path / "nowhere.yml"), "put it there, or correct its name"),
        ("prompt", "self_check_input", "write it below 'prompts', with 'task: self_check_input'"),
        ("package", "handrail-strategies", 'pip install "handrail-strategies"'),
        ("package", "handrail-patterns", 'pip install "handrail-patterns"'),
    ]


def test_who_serves_each_name_is_told_also_where_the_configuration_cannot_be_used(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    uninstall(monkeypatch)
    assert run(["check", write(tmp_path, MISSING), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert {(one["kind"], one["name"]): (one["distribution"], one["version"]) for one in found["names"]} == {
        ("engine", "openai"): ("handrail-openai", "0.2.0"),
        ("engine", "huggingface"): ("handrail-huggingface", "0.2.0"),
        ("engine", "scripted"): ("handrail-scripted", "0.2.0"),
        ("rail", "self check input"): ("handrail-self-check", "0.2.0"),
        ("rail", "no curse"): ("handrail-of-tests", "1.0"),
        ("rail", "phrase check"): (None, None),
        ("rail", "made up"): (None, None),
        ("strategy", "sentence"): (None, None),
    }
    by_name = {one["name"]: one for one in found["names"]}
    assert by_name["phrase check"]["where"] == f"{tmp_path / 'config.yml'}:10:13"
    assert "pip install handrail-strategies" in by_name["sentence"]["problem"]
    kinds = [one.get("missing", {}).get("kind") for one in found["problems"]]
    assert kinds == ["environment variable", "file", "file", "prompt", "package", "package", None]


def test_who_serves_each_name_is_told_where_it_can_be_used(configuration: Configuration, capsys: Capture):
    assert (
        run(
            [
                "check",
                configuration("no curse", rail_config={"no curse": {"streaming": {"strategy": "whole"}}}),
                "--json",
            ]
        )
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["name"], one["plugin"], one["problem"]) for one in found["names"]] == [
        ("engine", "scripted", "handrail-scripted 0.2.0", None),
        ("rail", "no curse", "handrail-of-tests 1.0", None),
        ("strategy", "rolling", "handrail 0.2.0", None),
        ("strategy", "whole", "handrail-strategies 0.2.0", None),
    ]


def test_a_name_that_two_plugins_offer_is_served_by_nobody(
    configuration: Configuration, installed: Callable[..., None], capsys: Capture
):
    twin = (
        "from handrail.plugins import RailSpec, hookimpl\n"
        "@hookimpl\n"
        "def handrail_rails():\n"
        "    yield RailSpec('no curse', 'x:y', summary='again')\n"
    )
    installed("handrail-twin", {"handrail_twin.py": twin}, plugin="handrail_twin")
    assert run(["check", configuration("no curse"), "--json"]) == 2
    (rail,) = (one for one in json.loads(capsys.readouterr().out)["names"] if one["kind"] == "rail")
    assert rail["plugin"] is None
    assert "is offered by handrail-of-tests 1.0 and by handrail-twin 1.0" in rail["problem"]


def test_settings_that_nothing_reads_are_told_with_their_place(configuration: Configuration, capsys: Capture):
    options = {
        "shout": {"timeout": 3, "max_concurrency": 2, "on_error": "block"},
        "nothing wrong": {"streaming": {"chunk_size": 99}, "timeout": 3},
        "explode": {"on_error": "allow"},
    }
    path = configuration("shout", on_input=("nothing wrong",), rail_config=options)
    assert run(["check", path, "--json"]) == 0
    notes = [note for note in json.loads(capsys.readouterr().out)["notes"] if "no effect" in note]
    assert all(note.startswith(f"{path}:") for note in notes)
    assert sorted(note.split(": ", 1)[1] for note in notes) == [
        "rails.config.explode has no effect: no flow names this rail",
        "rails.config.nothing wrong.streaming has no effect: this rail sees messages whole",
        "rails.config.shout.max_concurrency has no effect: this rail reads the stream",
        "rails.config.shout.timeout has no effect: this rail reads the stream",
        *(
            f"rails.output.streaming.{key} has no effect: no output rail reads windows"
            for key in ("chunk_size", "context_size", "first_chunk_size")
        ),
    ]


def test_what_is_read_is_not_told(configuration: Configuration, capsys: Capture):
    options = {"no curse": {"streaming": {"chunk_size": 9}, "timeout": 3, "max_concurrency": 2}}
    assert run(["check", configuration("no curse", "shout", on_input=("no curse",), rail_config=options)]) == 0
    assert "has no effect" not in capsys.readouterr().out


def test_a_strategy_with_settings_of_its_own_is_described_by_them(configuration: Configuration, capsys: Capture):
    options = {
        "no curse": {"streaming": {"strategy": "sentence", "min_tokens": 4}},
        "explode": {"streaming": {"strategy": "whole"}},
    }
    assert run(["check", configuration("no curse", "explode", rail_config=options)]) == 0
    shown = capsys.readouterr().out
    assert (
        "windows by sentence (handrail-strategies 0.2.0): min_tokens 4, max_tokens 200, context_sentences 1, 8 at once"
        in shown
    )
    assert "windows by whole (handrail-strategies 0.2.0): its own sizes, 8 at once" in shown


SPARED = """
models:
  - {type: main, engine: scripted, parameters: {answers: [Hello.]}}
  - type: judge
    engine: scripted
    parameters: {answers: ["no"]}
    concurrency: 4
    breaker: {failures: 3, seconds: 20}
    fallback: [spare, main]
  - {type: spare, engine: scripted, parameters: {answers: ["no"]}}
observers:
  otel: {}
"""


def test_how_models_are_spared_and_who_observes_is_shown(tmp_path: Path, capsys: Capture):
    path = write(tmp_path, SPARED)
    assert run(["check", path]) == 0
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert (
        "judge scripted handrail-scripted 0.2.0 rails ask at most 4 at once, "
        "not for 20 s after 3 failures in a row, while it is down spare, then main "
    ) in shown
    assert "observers otel handrail-otel 0.2.0 " in shown
    assert run(["check", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["observers"] == [{"name": "otel", "plugin": "handrail-otel 0.2.0"}]
    judge = found["models"][1]
    assert (judge["concurrency"], judge["fallback"]) == (4, ["spare", "main"])
    assert judge["breaker"] == {"failures": 3, "seconds": 20}


def test_a_problem_says_what_is_missing():
    package = Problem("needs PyTorch", code="missing-package", subject="torch", fix='pip install "torch"')
    assert missing_in(package) == {"kind": "package", "name": "torch", "get": 'pip install "torch"'}
    assert missing_in(Problem("models[0].engine is the number 5", code="invalid-value")) is None


def test_a_strategy_that_is_not_there_is_a_warning_where_nothing_reads_it(
    configuration: Configuration, capsys: Capture
):
    assert run(["check", configuration("shout", streaming={"strategy": "sentense"})]) == 0
    shown = capsys.readouterr().out
    assert "warnings\n" in shown
    assert "unknown strategy 'sentense'; did you mean 'sentence'?" in shown


def test_each_configuration_of_a_folder_is_checked(tmp_path, capsys: Capture):
    good = "models:\n  - {type: main, engine: scripted, parameters: {answers: [x]}}\n"
    for name, text in {"one": good, "two": "models: none\n", ".hidden": "models: none\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yml").write_text(text, encoding="utf-8")
    (tmp_path / "notes").mkdir()
    assert run(["check", str(tmp_path)]) == 2
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'one'} is valid" in printed
    assert f"{tmp_path / 'two'}: 1 problem" in printed
    assert ".hidden" not in printed
    assert run(["check", str(tmp_path), "--json"]) == 2
    results = json.loads(capsys.readouterr().out)["configurations"]
    assert [(Path(result["path"]).name, len(result["problems"])) for result in results] == [("one", 0), ("two", 1)]
    (tmp_path / "two" / "config.yml").write_text(good, encoding="utf-8")
    assert run(["check", str(tmp_path)]) == 0
