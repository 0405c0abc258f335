"""What the README shows is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from handrail.errors import ProviderRateLimitError
from handrail_scripted import ScriptedProvider, ScriptedSettings
from handrail_scripted import _settings as settings
from handrail_scripted._file import read_script

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
YAML = [text for language, text in BLOCKS if language == "yaml"]
PYTHON = [text for language, text in BLOCKS if language == "python"]


def test_the_configurations_are_valid():
    (main,) = yaml.safe_load(YAML[0])["models"]
    assert ScriptedSettings.model_validate(main["parameters"]).answers == "answers.yml"
    (judge,) = yaml.safe_load(YAML[2])
    assert ScriptedSettings.model_validate(judge["parameters"]).delay == 0.3


async def test_the_script_does_what_it_says(tmp_path, ask):
    (tmp_path / "answers.yml").write_text(YAML[1])
    read_script(tmp_path / "answers.yml")
    provider = ScriptedProvider({"answers": str(tmp_path / "answers.yml")})
    assert (await ask(provider, "PORTUGAL?"))[0].text == "Go"
    assert (await ask(provider, "Why are there tides?"))[0].reasoning == "The "
    assert any(chunk.tool_calls for chunk in await ask(provider, "And the weather?"))
    with pytest.raises(ProviderRateLimitError) as caught:
        await ask(provider, "Is it crowded?")
    assert caught.value.retry_after == 2


async def test_the_test_passes():
    namespace: dict[str, object] = {}
    exec(PYTHON[0], namespace)
    await namespace["test_it_streams"]()


def test_every_setting_is_described():
    models = (ScriptedSettings, settings.Answer, settings.ScriptedError, settings.ScriptedHang, settings.ScriptedUsage)
    names = {name for model in (*models, settings.ScriptedToolCall) for name in model.model_fields}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", README)) == []
