"""What the tests share: a configuration, and rails that are asked without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail import Registry, Verdict
from handrail.plugins import RailSpec, hookimpl
from handrail_mcp import Guard
from handrail_mcp._rails import load

CONFIG = """
rails:
  input: {flows: [phrase check, personal data check]}
  output: {flows: [phrase check]}
  config:
    phrase check: {phrases: [ignore previous instructions, gun powder], action: block}
    personal data check: {action: redact}
"""


class Broken:
    """A rail that cannot do its work, and says the text in its error."""

    def __init__(self, settings: object, context: object) -> None:
        pass

    async def check(self, window, turn):
        raise RuntimeError(f"cannot read {window.text!r}")


class Shouting:
    """A rail that rewrites: whatever it sees, in capitals."""

    def __init__(self, settings: object, context: object) -> None:
        pass

    async def check(self, window, turn):
        from handrail import Edit

        text = window.text
        return Verdict.rewrite(
            Edit(*window.span(n, n + 1), one.upper()) for n, one in enumerate(text) if one != one.upper()
        )


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("broken", Broken, directions=("input", "output"))
        yield RailSpec("shouting", Shouting, directions=("input", "output"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a configuration."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "config.yml").write_text(CONFIG)
    return folder


@pytest.fixture
def guarded(tmp_path: Path):
    """A function that returns the guard of a configuration."""
    registry = Registry.discover().with_plugins(Plugin())

    def make(yaml: str = CONFIG) -> Guard:
        file = tmp_path / "config.yml"
        file.write_text(yaml)
        return Guard(load(file, registry))

    return make
