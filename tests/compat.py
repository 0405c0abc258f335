"""Loads configurations written for nemoguardrails with the drop-in; streams through those that can be used.

Without an argument these are the examples of nemoguardrails 0.17, fetched from PyPI into `.compat/`, which is not part
of the repository; else those in a folder, or in a source distribution, that is named. `make compat` prints a table.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import threading
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
from handrail import Chunk, HandrailError, Registry, StreamError
from handrail.errors import ConfigurationError
from handrail.plugins import ProviderSpec, hookimpl
from nemoguardrails import LLMRails, RailsConfig

VERSION = "0.17.0"
FOLDER = Path(__file__).parent.parent / ".compat"
NAMES = {"config.yml", "config.yaml"}


@dataclass
class Outcome:
    """What became of one configuration."""

    name: str
    kind: str
    problems: tuple[str, ...] = ()


class Scripted:
    """Answers every question of a judge so that the text may pass, and everything else with a sentence."""

    def __init__(self, settings, context) -> None:
        self._judges = context is not None and context.model.type != "main"

    async def stream(self, messages, params):
        asked = " ".join(str(message["content"]) for message in messages).lower()
        for word in self._answer(asked).split(" "):
            yield Chunk(word + " ")

    def _answer(self, asked: str) -> str:
        if "json" in asked:
            return '{"User Safety": "safe", "Response Safety": "safe"}'
        if "'unsafe'" in asked or "unsafe content" in asked:
            return "safe"
        if "off-topic" in asked:
            return "on-topic"
        judged = any(word in asked for word in ("should the", "yes or no", "yes/no", "blocked"))
        return "no" if self._judges or judged else "The moon pulls the sea."


class Detector(BaseHTTPRequestHandler):
    """Takes nothing for a jailbreak, in the place of the service that a configuration names."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"jailbreak": false}')

    def log_message(self, *arguments):
        """Nothing is to be printed beside the table."""


def detector() -> str:
    """Return the address of a detector that runs as long as this program."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Detector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def named(path: Path) -> Path:
    """Return the folder of configurations that the caller names; of a source distribution, what it unpacks to."""
    if not path.is_file():
        return path
    folder = FOLDER / path.name.removesuffix(".tar.gz")
    if not folder.is_dir():
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    return folder


def fetched() -> Path:
    """Return the folder of the examples, fetched if need be."""
    folder = FOLDER / f"nemoguardrails-{VERSION}"
    if not folder.is_dir():
        FOLDER.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "nemoguardrails"]
        subprocess.run([*command, "-d", str(FOLDER), f"nemoguardrails=={VERSION}"], check=True)
        with tarfile.open(FOLDER / f"nemoguardrails-{VERSION}.tar.gz") as archive:
            archive.extractall(FOLDER, filter="data")
    return folder / "examples" / "configs"


def configurations(root: Path) -> list[Path]:
    """Return every folder that a person would pass to `from_path`: the outermost ones with a config file."""
    return sorted({file.parent for file in root.rglob("*.y*ml") if file.name in NAMES})


def registry_for(config: RailsConfig) -> Registry:
    """Return a registry in which every engine that the configuration names is scripted."""

    class Engines:
        @hookimpl
        def handrail_providers(self):
            return [ProviderSpec(engine, Scripted) for engine in sorted({model.engine for model in config.models})]

    registry = Registry.discover()
    providers = [plugin for plugin in registry.plugins if any(isinstance(spec, ProviderSpec) for spec in plugin.specs)]
    registry = registry.without([plugin.distribution for plugin in providers if plugin.distribution])
    return registry.with_plugins(Engines()) if config.models else registry


async def examine(folder: Path, root: Path, detector_url: str) -> Outcome:
    """Load one configuration, and stream through it if it has rails."""
    name = str(folder.relative_to(root))
    try:
        config = RailsConfig.from_path(folder)
        rails = LLMRails(config, registry=registry_for(config))
    except HandrailError as error:
        problems = error.problems if isinstance(error, ConfigurationError) else (str(error),)
        return Outcome(name, _kind(problems), problems)
    if not config.input_flows and not config.output_flows:
        return Outcome(name, _NO_RAILS)
    here = {"jailbreak_detection": {"nim_base_url": detector_url}} if _asks_detector(config) else {}
    on = RailsConfig.from_content(config={"rails": {"output": {"streaming": {"enabled": True}}, "config": here}})
    llm = Scripted({}, None) if config.model_for("main") is None else None
    rails = LLMRails(config + on, llm, registry=registry_for(config))
    with anyio.fail_after(20):
        async with aclosing(rails.stream_async("Why are there tides?")) as stream:
            chunks = [chunk async for chunk in stream]
    errors = [chunk for chunk in chunks if isinstance(chunk, StreamError)]
    if errors and errors[0].error["code"] != "content_blocked":
        return Outcome(name, _FAILS, (errors[0].event.error if errors[0].event else str(errors[0]),))
    return Outcome(name, _STREAMS)


def _asks_detector(config: RailsConfig) -> bool:
    return any(flow.name == "jailbreak detection model" for flow in config.input_flows)


def _kind(problems: tuple[str, ...]) -> str:
    text = "\n".join(problems)
    return next(kind for signs, kind in _KINDS.items() if any(sign in text for sign in signs.split("|")))


_STREAMS, _FAILS, _NO_RAILS = (
    "load, and stream through their rails",
    "load; a rail fails, which blocks",
    "load; no rails",
)
_KINDS = {
    "Colang 2": "refused: written in Colang 2",
    "dialogs of one turn|is not supported": "refused: dialogs of several turns, or another construct",
    "is not supported": "refused: rails for what is retrieved, or for tools",
    "raised ": "refused: their own code cannot run here",
    "unknown rail|does not match any installed rail": "refused: a rail that is not installed",
    "": "refused: something else",
}
_PLACE = re.compile(r"[^\n]+:\d+:\d+: ")


def table(outcomes: list[Outcome]) -> str:
    """Return how many configurations came to what, as a table in Markdown."""
    counts = Counter(outcome.kind for outcome in outcomes)
    order = (_STREAMS, _FAILS, _NO_RAILS, *_KINDS.values())
    rows = [f"| {kind} | {counts[kind]} |" for kind in order if counts[kind]]
    return "\n".join(["| | configurations |", "|---|---|", *rows, f"| in all | {len(outcomes)} |"])


async def main() -> None:
    """Print what became of each, and the counts."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # one configuration would fetch a model as it is loaded
    os.environ.setdefault("NVIDIA_API_KEY", "unused")  # of a detector, in whose place another is asked
    root = named(Path(sys.argv[1])) if len(sys.argv) > 1 else fetched()
    url = detector()
    outcomes = [await examine(folder, root, url) for folder in configurations(root)]
    for outcome in outcomes:
        print(f"{outcome.name:52} {outcome.kind}")
        for problem in outcome.problems[:1]:
            print(f"{'':6}{problem.splitlines()[0][:200]}")
        if len(outcome.problems) > 1:
            print(f"{'':6}and {len(outcome.problems) - 1} more")
    print(f"\n{table(outcomes)}\n")
    problems = [p for outcome in outcomes if outcome.kind.startswith("refused") for p in outcome.problems]
    placed = sum(_PLACE.match(problem) is not None for problem in problems)
    print(f"{placed} of {len(problems)} problems with file, line and column")


if __name__ == "__main__":
    anyio.run(main)
