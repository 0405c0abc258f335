"""The example packages of strangers: their services, and a configuration that uses three of them at once."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from distributions import ROOT

PLUGINS = ROOT / "docs" / "examples" / "plugins"

_CONFIG = """
models:
  - type: main
    engine: teleprinter
    model: fox
    parameters: {{port: {port}}}
rails:
  output:
    flows: [harbour moderation]
    streaming: {{enabled: true, strategy: clauses, min_tokens: 6}}
  config:
    harbour moderation: {{url: "{url}", service_timeout: 5}}
"""


def module(name: str, package: str) -> ModuleType:
    """Import a helper of a package's tests."""
    spec = importlib.util.spec_from_file_location(name, PLUGINS / package / "tests" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@contextmanager
def services() -> Iterator[tuple[object, object]]:
    """Run the moderation service and the teleprinter, both real, both on this machine."""
    harbour, printer = module("harbour", "handrail-moderation"), module("printer", "handrail-teleprinter")
    with harbour.Harbour() as moderation, printer.Printer() as teleprinter:
        yield moderation, teleprinter


def write(folder: Path, running: tuple, text: str, *, also: str = "") -> Path:
    """Write the configuration that uses all three, and let the teleprinter print this text."""
    moderation, teleprinter = running
    printer = module("printer", "handrail-teleprinter")
    teleprinter.lines = lambda _: [*printer.words(text), printer.END]
    file = folder / "config.yml"
    file.write_text(also + _CONFIG.format(port=teleprinter.port, url=moderation.url))
    return file
