from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import handrail_self_check
import pytest
from handrail import LLMRails, RailsConfig, Registry
from handrail.errors import ConfigurationError
from handrail_scripted import ScriptedProvider
from handrail_self_check import SelfCheckSettings, plugin

README = Path(__file__).parents[1] / "README.md"


def test_the_public_names_are_these():
    assert handrail_self_check.__all__ == [
        "SelfCheckFacts",
        "SelfCheckInput",
        "SelfCheckOutput",
        "SelfCheckSettings",
        "__version__",
    ]
    assert all(getattr(handrail_self_check, name) for name in dir(handrail_self_check))
    with pytest.raises(AttributeError):
        _ = handrail_self_check.SelfCheck


def test_finding_the_plugin_imports_nothing_heavy():
    """In a fresh process: what discovery imports must not contain the implementation or its libraries."""
    code = (
        "import sys; import handrail_self_check.plugin as p; list(p.handrail_rails());"
        "print([m for m in sys.modules if m.split('.')[0] in {'pydantic', 'jinja2', 'yaml', 'anyio', 'tiktoken'}"
        " or m.startswith('handrail_self_check._')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_rails_are_offered_each_for_its_direction():
    specs = {spec.name: spec for spec in plugin.handrail_rails()}
    assert {name: (spec.directions, spec.prompts) for name, spec in specs.items()} == {
        "self check input": (("input",), ("self_check_input",)),
        "self check output": (("output",), ("self_check_output",)),
        "self check facts": (("output",), ("self_check_facts",)),
    }
    assert all(spec.summary for spec in specs.values())


def test_a_rail_in_the_other_list_is_an_error(build):
    with pytest.raises(ConfigurationError, match="'self check input' is for input, not for output"):
        build("self_check_output", flow="self check input")


def test_an_argument_is_an_error_that_says_how_the_judge_is_chosen(build):
    with pytest.raises(ConfigurationError, match=r"takes no arguments.*\$model.*type 'self_check_output'"):
        build(flow="self check output $model=guard")


def yaml_blocks() -> list[str]:
    return [block.split("```")[0] for block in README.read_text().split("```yaml\n")[1:]]


@pytest.mark.parametrize("block", yaml_blocks())
async def test_the_examples_of_the_readme_work(block):
    registry = Registry.discover().with_plugins(ScriptedProvider.from_texts("no").as_plugin("example"))
    config = RailsConfig.from_content(yaml_content=block.replace("engine: openai", "engine: example"))
    rails = LLMRails(config, registry=registry)
    messages = [{"role": "context", "content": {"evidence": "no"}}, {"role": "user", "content": "hi"}]
    answer = await rails.generate_async(messages=messages)
    assert answer["role"] == "assistant"


def test_the_readme_has_every_setting_and_parser():
    from handrail_self_check._parsers import NAMES

    text = README.read_text()
    assert all(f"`{name}`" in text for name in [*SelfCheckSettings.model_fields, *NAMES])
