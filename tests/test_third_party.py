"""A package that is no part of this project, installed by pip, is used by a configuration that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "handrail-parrot"
version = "3.2.1"
dependencies = ["handrail"]

[project.entry-points.handrail]
parrot = "handrail_parrot.plugin"
"""

PLUGIN = """
from handrail.plugins import ProviderSpec, RailSpec, hookimpl

@hookimpl
def handrail_providers():
    yield ProviderSpec(name="parrot", target="handrail_parrot.parts:Parrot", summary="Says what it is told.")

@hookimpl
def handrail_rails():
    yield RailSpec(name="politeness check", target="handrail_parrot.parts:Politeness")
"""

PARTS = """
from handrail import Chunk, Verdict

class Parrot:
    def __init__(self, settings, context):
        self.greeting = settings["greeting"]

    async def stream(self, messages, params):
        yield Chunk(self.greeting)
        for word in messages[-1]["content"].split():
            yield Chunk(" " + word)

class Politeness:
    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return Verdict.block("rude") if "blockhead" in window.text else Verdict.allow()
"""

PROGRAM = """
import anyio
from handrail import LLMRails, RailsConfig

rails = LLMRails(RailsConfig.from_content(yaml_content='''
models: [{type: main, engine: parrot, parameters: {greeting: Ahoy}}]
rails: {output: {flows: [politeness check], streaming: {enabled: true}}}
'''))

async def say(text):
    return [piece async for piece in rails.stream_async(text)]

print("".join(anyio.run(say, "my friend")))
print(anyio.run(say, "you blockhead")[-1].error["param"])
"""


def test_a_package_installed_by_pip_is_used_by_a_configuration(tmp_path: Path):
    package = tmp_path / "parrot" / "src" / "handrail_parrot"
    package.mkdir(parents=True)
    (package.parents[1] / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(PLUGIN)
    (package / "parts.py").write_text(PARTS)
    site = tmp_path / "site"
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, *install, str(package.parents[1])], check=True)

    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["Ahoy my friend", "politeness check"]
