"""`handrail` alone: what to do first, with what is installed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from handrail import __version__
from handrail.plugins import CommandSpec, ProviderSpec, RailSpec

from handrail_cli._exit import ExitCode
from handrail_cli._table import table, terminal_width
from handrail_cli._visible import visible
from handrail_cli.app import HELP, summary

if TYPE_CHECKING:
    from handrail import Registry

# What a first configuration says of an engine; those that need no key come first.
ENGINES: Mapping[str, str] = {
    "scripted": """\
    engine: scripted
    parameters:
      answers: ["Write to jane.doe@example.com, and she will help you."]
""",
    "tiny": "    engine: tiny\n",
    "ollama": "    engine: ollama\n    model: llama3.2\n",
    "openai": "    engine: openai\n    model: gpt-4o-mini\n",
    "anthropic": "    engine: anthropic\n    model: claude-haiku-4-5\n",
}
_RAIL = "personal data check"
_FILES = ("config.yml", "config.yaml", "config/config.yml", "config/config.yaml")


def welcome(registry: Registry, folder: Path | None = None) -> int:
    """Show the first steps and the commands.

    Args:
        registry: what is installed.
        folder: where a configuration may be; by default the current folder.
    """
    sys.stdout.write(visible("\n".join(_lines(registry, folder or Path()))) + "\n")
    return ExitCode.OK


def first_configuration(registry: Registry) -> str | None:
    """Return a configuration that works with what is installed; None without an engine that is known here."""
    installed = registry.names(ProviderSpec)
    engine = next((ENGINES[name] for name in ENGINES if name in installed), None)
    if engine is None:
        return None
    rails = ""
    if _RAIL in registry.names(RailSpec):
        rails = f"rails:\n  output:\n    flows: [{_RAIL}]\n    streaming: {{enabled: true}}\n"
    return f"models:\n  - type: main\n{engine}{rails}"


def _lines(registry: Registry, folder: Path) -> Iterator[str]:
    yield f"handrail {__version__}. {HELP}"
    yield ""
    found = next((name for name in _FILES if (folder / name).is_file()), None)
    if found is not None:
        yield f"First steps with {found}:"
        yield from _steps(registry, found if found.startswith("config.") else "config")
    elif (configuration := first_configuration(registry)) is not None:
        yield "First steps. Save this as config.yml:"
        yield ""
        yield from (f"  {line}" for line in configuration.splitlines())
        yield ""
        yield "Then:"
        yield from _steps(registry, "config.yml")
    else:
        yield "First step: install an engine, which reaches a model, and rails:"
        yield '  pip install "handrail[openai,patterns,self-check]"'
    yield ""
    yield "Commands:"
    yield from table(
        ((name, summary(registry, name)) for name in registry.names(CommandSpec)), indent="  ", width=terminal_width()
    )
    yield ""
    yield "handrail COMMAND --help describes a command."


def _steps(registry: Registry, path: str) -> Iterator[str]:
    path, commands = shlex.quote(path), registry.names(CommandSpec)
    steps = {
        "check": (f"handrail check {path}", "see what it loads, and what is missing"),
        "doctor": (f"handrail doctor {path} --ask", "try its keys, models and rails"),
        "chat": (f"handrail chat {path} --streaming", "talk to it"),
        "server": (f"handrail server {path}", "serve it to OpenAI's clients"),
    }
    yield from table((step for name, step in steps.items() if name in commands), indent="  ", width=terminal_width())
