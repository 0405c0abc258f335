"""What the README says is so: its snippets run, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

from handrail import RailsConfig
from handrail_anthropic import AnthropicSettings
from handrail_anthropic._answer import FINISH_REASONS
from handrail_anthropic._failures import KINDS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def snippets(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_yaml_snippets_are_configurations_whose_parameters_are_right():
    assert snippets("yaml")
    for snippet in snippets("yaml"):
        for model in RailsConfig.from_content(yaml_content=snippet).models:
            AnthropicSettings.model_validate(model.parameters)


def test_python_snippets_run():
    assert snippets("python")
    for snippet in snippets("python"):
        exec(compile(snippet, "README.md", "exec"), {})


def test_every_setting_is_in_the_table():
    assert [name for name in AnthropicSettings.model_fields if f"`{name}`" not in README] == []


def test_every_reason_and_every_error_is_in_a_table():
    rows = [line for line in README.splitlines() if line.startswith("|")]
    for reason, word in FINISH_REASONS.items():
        assert any(f"`{reason}`" in row and f"`{word}`" in row for row in rows), reason
    for kind, error in KINDS.items():
        assert any(f"`{kind}`" in row and f"`{error.__name__}`" in row for row in rows), kind
