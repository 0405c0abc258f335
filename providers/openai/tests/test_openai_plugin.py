"""Finding the plugin costs nothing; the SDK is imported when a configuration names an engine."""

from __future__ import annotations

import subprocess
import sys

import handrail_openai

HEAVY = "{'openai', 'httpx2', 'httpcore2', 'msgspec', 'pydantic', 'anyio', 'ssl'}"


def imported_by(statement):
    code = f"{statement}; import sys; print(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_plugin_module_imports_nothing_heavy():
    assert imported_by("import handrail_openai.plugin") == "[]"


def test_discovery_imports_no_sdk():
    statement = "from handrail._plugins.registry import Registry; Registry.discover().provider('ollama')"
    assert "openai" not in imported_by(statement)


def test_the_public_names_are_these():
    names = ["CredentialsError", "OpenAIProvider", "OpenAISettings", "Service", "__version__"]
    assert sorted(handrail_openai.__all__) == names
    assert set(handrail_openai.__all__) <= set(dir(handrail_openai))
