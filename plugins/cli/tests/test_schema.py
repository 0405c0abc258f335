from __future__ import annotations

import json
from pathlib import Path

import pytest
from handrail_cli.app import run
from jsonschema import Draft7Validator

Capture = pytest.CaptureFixture[str]


def test_the_schema_has_the_settings_of_what_is_installed(own_plugin: None, capsys: Capture):
    assert run(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft7Validator.check_schema(schema)
    engines = {one.get("const"): one for one in schema["definitions"]["ModelConfig"]["properties"]["engine"]["anyOf"]}
    assert {"scripted", "stubborn"} <= engines.keys()
    assert "handrail-of-tests 1.0" in engines["stubborn"]["description"]


def test_the_schema_goes_to_a_file(tmp_path: Path, capsys: Capture):
    file = tmp_path / "handrail.schema.json"
    assert run(["schema", "--output", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(file.read_text())["title"] == "A configuration of Handrail"


def test_a_file_that_cannot_be_written_is_an_error_of_usage(tmp_path: Path, capsys: Capture):
    assert run(["schema", "--output", str(tmp_path / "no" / "file")]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
