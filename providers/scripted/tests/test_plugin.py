from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import handrail_scripted
from handrail import Registry
from handrail_scripted import ScriptedProvider, ScriptedSettings, plugin


def test_the_public_names_are_these():
    assert handrail_scripted.__all__ == [
        "Answer",
        "Call",
        "Script",
        "ScriptedError",
        "ScriptedHang",
        "ScriptedProvider",
        "ScriptedSettings",
        "ScriptedToolCall",
        "ScriptedUsage",
        "__version__",
        "split_tokens",
    ]
    assert all(getattr(handrail_scripted, name) for name in dir(handrail_scripted))


def test_finding_the_plugin_imports_nothing_heavy():
    """In a fresh process: what discovery imports must not contain the implementation or its libraries."""
    code = (
        "import sys; import handrail_scripted.plugin as p; list(p.handrail_providers());"
        "print([m for m in sys.modules if m.split('.')[0] in {'pydantic', 'yaml', 'anyio', 'tiktoken'}"
        " or m.startswith('handrail_scripted._')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_engine_is_offered_under_its_name():
    (spec,) = plugin.handrail_providers()
    assert spec.name == "scripted"
    assert spec.target == "handrail_scripted:ScriptedProvider"
    assert spec.settings == "handrail_scripted:ScriptedSettings"
    assert spec.summary


async def test_paths_are_relative_to_the_configuration(tmp_path, ask):
    """The constructor's contract: settings, and a context with the model's entry and the folder."""
    (tmp_path / "answers.yml").write_text("- hello there\n")
    context = SimpleNamespace(base_path=tmp_path, model=SimpleNamespace(engine="scripted"))
    provider = ScriptedProvider(ScriptedSettings(answers="answers.yml"), context)
    assert "".join(chunk.text for chunk in await ask(provider)) == "hello there"


def test_a_model_that_exists_can_be_offered_as_an_engine():
    provider = ScriptedProvider.from_texts("a")
    offer = Registry().with_plugins(provider.as_plugin("mine")).provider("mine")
    assert offer.load()({}, None) is provider


def test_the_package_is_typed():
    assert (Path(handrail_scripted.__file__).parent / "py.typed").exists()
