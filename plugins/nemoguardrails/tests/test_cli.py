from __future__ import annotations

import sys

import pytest
from nemoguardrails.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["nemoguardrails", *words])
        main()
        return capsys.readouterr().out

    return run


def test_the_version_names_both_packages(run):
    assert run("--version") == "handrail-nemoguardrails 0.1.0, handrail 0.1.0\n"


def test_providers_are_listed(run):
    assert {"openai", "scripted"} <= set(run("find-providers").split())


def test_help_lists_the_commands(run):
    assert "chat [PATH | --config PATH] [--streaming] [--verbose]" in run()


def test_a_configuration_is_checked(run, tmp_path):
    (tmp_path / "config.yml").write_text("models: []", "utf-8")
    with pytest.raises(SystemExit) as ended:
        run("check", str(tmp_path))
    assert ended.value.code == 0
