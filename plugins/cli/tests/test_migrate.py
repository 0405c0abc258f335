"""`handrail migrate` explains a configuration, and its patch makes of it what it says, taking no rail away."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from handrail_cli.app import run

Capture = pytest.CaptureFixture[str]

MODEL = "models: [{type: main, engine: scripted, parameters: {answers: [Hello.]}}]\n"
PROMPT = "prompts: [{task: self_check_output, content: 'Yes or no? {{ bot_response }}'}]\n"


def written(folder: Path, rails: str, **more: str) -> Path:
    folder.mkdir()
    (folder / "config.yml").write_text(MODEL + PROMPT + rails, "utf-8")
    for name, text in more.items():
        (folder / f"{name}.co").write_text(text, "utf-8")
    return folder


def patched(folder: Path, capsys: Capture) -> str:
    """Apply the patch as a person would; return it."""
    capsys.readouterr()
    run(["migrate", str(folder), "--patch"])
    patch = capsys.readouterr().out
    if patch:
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, text=True, check=True, capture_output=True)
    return patch


def test_a_configuration_that_runs_is_explained_and_not_patched(tmp_path: Path, capsys: Capture):
    folder = written(tmp_path / "c", "rails: {output: {flows: [self check output]}}\n")
    assert run(["migrate", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{folder} runs as it is\nruns\n")
    assert "rail      self check output  handrail-self-check" in shown
    assert "to change" not in shown
    assert patched(folder, capsys) == ""


@pytest.mark.parametrize(
    "streaming",
    [
        "    streaming:\n      enabled: True  # as it was\n      chunk_size: 100\n",
        "    streaming: {enabled: True, chunk_size: 100}\n",
    ],
)
def test_streaming_that_does_not_say_is_held_back_and_nothing_else_changes(
    streaming: str, tmp_path: Path, capsys: Capture
):
    folder = written(tmp_path / "c", f"rails:\n  output:\n    flows: [self check output]\n{streaming}")
    before = (folder / "config.yml").read_text("utf-8")
    patched(folder, capsys)
    after = (folder / "config.yml").read_text("utf-8")
    wanted = yaml.safe_load(before)
    wanted["rails"]["output"]["streaming"]["stream_first"] = False
    assert yaml.safe_load(after) == wanted
    assert ("# as it was" in before) == ("# as it was" in after)
    assert patched(folder, capsys) == ""


@pytest.mark.parametrize("choice", ["True", "False"])
def test_what_a_person_has_chosen_is_left_alone(choice: str, tmp_path: Path, capsys: Capture):
    settings = f"{{enabled: True, stream_first: {choice}}}"
    folder = written(tmp_path / "c", f"rails: {{output: {{flows: [self check output], streaming: {settings}}}}}\n")
    assert patched(folder, capsys) == ""


def test_a_misspelt_key_that_would_leave_the_answer_unguarded_is_corrected(tmp_path: Path, capsys: Capture):
    folder = written(tmp_path / "c", "rails:\n  output:\n    flow:\n      - self check output\n")
    assert run(["migrate", str(folder)]) == 2
    assert "config.yml:5:5: unknown key 'flow'" in capsys.readouterr().out
    assert "+    flows:" in patched(folder, capsys)
    assert run(["migrate", str(folder)]) == 0


def test_a_rail_that_is_not_installed_is_named_and_never_replaced_by_one_that_is(tmp_path: Path, capsys: Capture):
    folder = written(tmp_path / "c", "rails:\n  output:\n    flows:\n      - self check outputs\n")
    assert run(["migrate", str(folder)]) == 2
    shown = capsys.readouterr().out
    assert "not installed\n  rail  self check outputs" in shown
    assert "to change" in shown
    assert patched(folder, capsys) == ""


def test_a_key_that_is_not_set_is_no_change_of_the_configuration(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "config.yml").write_text("models: [{type: main, engine: openai, model: gpt-4o}]\n", "utf-8")
    assert run(["migrate", str(folder)]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith(f"{folder} runs once what is listed under 'to set up' is there\n")
    assert "to set up\n" in shown
    assert "to change" not in shown


def test_each_configuration_of_a_folder_is_explained(tmp_path: Path, capsys: Capture):
    written(tmp_path / "a", "")
    written(tmp_path / "b", "rails: {outputs: {flows: [x]}}\n")
    assert run(["migrate", str(tmp_path)]) == 2
    shown = capsys.readouterr().out
    assert f"{tmp_path / 'a'} runs as it is" in shown
    assert f"{tmp_path / 'b'} must be changed before Handrail runs it" in shown


@pytest.mark.parametrize(
    "content",
    [
        "rails: [",
        "[1, 2]\n",
        "rails: {output: {streaming: 3}}\n",
        "rails: {output: {streaming: {}}}\n",
        "",
        "x: &a [*a]\n",
    ],
)
def test_a_file_that_is_not_a_configuration_is_explained_too(content: str, tmp_path: Path, capsys: Capture):
    file = tmp_path / "config.yml"
    file.write_text(content, "utf-8")
    assert run(["migrate", str(tmp_path), "--patch"]) in (0, 2)
    assert capsys.readouterr().out == ""


def test_bytes_that_are_not_text_are_explained_too(tmp_path: Path, capsys: Capture):
    (tmp_path / "config.yml").write_bytes(b"\xff\xfe\x00")
    assert run(["migrate", str(tmp_path)]) == 2
    assert "to change" in capsys.readouterr().out
