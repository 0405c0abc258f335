"""What the README says is so: its snippets run, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

from handrail import RailsConfig
from handrail_openai import OpenAISettings
from handrail_openai._engines import engine_named
from handrail_openai.plugin import ENGINES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def snippets(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_yaml_snippets_are_configurations_whose_parameters_are_right():
    for snippet in snippets("yaml"):
        for model in RailsConfig.from_content(yaml_content=snippet).models:
            OpenAISettings.model_validate(model.parameters)


def test_python_snippets_run():
    for snippet in snippets("python"):
        exec(compile(snippet, "README.md", "exec"), {})


def test_every_setting_is_in_the_table():
    assert [name for name in OpenAISettings.model_fields if f"`{name}`" not in README] == []


def test_every_engine_is_in_the_table_with_its_address_and_its_variable():
    for name, aliases, _ in ENGINES:
        engine = engine_named(name)
        (row,) = (line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        told = (*aliases, *engine.key_variables, *([engine.base_url] if engine.base_url else []))
        assert [text for text in told if f"`{text}`" not in row] == []
