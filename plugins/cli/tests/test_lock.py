"""`handrail lock` writes down what is installed, and the server does not start where that has changed."""

from __future__ import annotations

import json

import pytest
from handrail_cli.app import run


def test_what_was_locked_is_still_installed(tmp_path, capsys):
    assert run(["lock", str(tmp_path)]) == 0
    assert "handrail.lock: " in capsys.readouterr().out
    names = [one["name"] for one in json.loads((tmp_path / "handrail.lock").read_text())["distributions"]]
    assert {"handrail", "handrail-cli"} <= set(names)
    assert run(["lock", str(tmp_path), "--check"]) == 0


@pytest.mark.parametrize("command", [["lock", "--check"], ["server", "--port", "0", "--config"]])
def test_another_version_than_the_locked_one_is_an_error(tmp_path, capsys, command):
    run(["lock", str(tmp_path)])
    place = tmp_path / "handrail.lock"
    written = json.loads(place.read_text())
    written["distributions"][0]["version"] = "0.0.1"
    place.write_text(json.dumps(written))
    assert run([*command, str(tmp_path)]) == 2
    assert "is locked as 0.0.1" in " ".join(capsys.readouterr().err.split())


def test_a_lock_that_is_not_there_cannot_be_checked(tmp_path, capsys):
    assert run(["lock", str(tmp_path), "--check"]) == 2
    assert "does not exist" in " ".join(capsys.readouterr().err.split())
