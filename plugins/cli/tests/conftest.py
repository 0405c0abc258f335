"""Configurations to chat with, a plugin that is installed for a test only, and a terminal to type into."""

from __future__ import annotations

import fcntl
import importlib
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

BREAK = {"type": "connection", "after": 99, "message": "line cut"}
ANSWERS = [
    {"contains": "hello", "text": "Hello there, friend."},
    {"contains": "bad", "text": "This is fine so far. And now comes a curse word, which nobody must see."},
    {
        "contains": "broken",
        "text": "This one ends in the",
        "error": {"type": "connection", "after": 99, "message": "line cut"},
    },
    {"contains": "limit", "error": {"type": "rate_limit", "message": "too many", "retry_after": 7}},
    {"contains": "markup", "text": "[bold red]loud[/] :smile: \x1b[31mred\x1b[0m \x9b2J \u202etxt"},
    {"contains": "think", "reasoning": "Let me see.", "text": "Done."},
    {"contains": "tool", "tool_calls": [{"name": "look_up", "arguments": {"word": "rail"}}]},
    {"contains": "silence", "text": ""},
    {
        "contains": "secret is 42",
        "within": "conversation",
        "text": "Your secret is known to me, and it stays with me for as long as you like.",
    },
]
DEFAULT = "I know nothing of it."

PLUGIN = """
from handrail.plugins import CommandSpec, ProviderSpec, RailSpec, hookimpl

@hookimpl
def handrail_rails():
    for name in ("no curse", "no numbers", "explode", "shout", "nothing wrong", "tell variables"):
        yield RailSpec(name, "handrail_of_tests.parts:" + name.title().replace(" ", ""), summary="A rail of a test.")

@hookimpl
def handrail_providers():
    for name in ("not chunks", "stubborn", "impolite"):
        yield ProviderSpec(name, "handrail_of_tests.parts:" + name.title().replace(" ", ""))

@hookimpl
def handrail_commands():
    yield CommandSpec("greet", "handrail_of_tests.parts:greet", "Greet somebody.")
    yield CommandSpec("torn", "handrail_of_tests.nowhere:torn", "Cannot be imported.")
"""

PARTS = """
import time
import anyio
from handrail import Chunk, Edit, Ruling, Verdict

def greet(name: str, /) -> None:
    print("Hello", name)

class _Rail:
    def __init__(self, settings, context):
        self.settings = settings

class NothingWrong(_Rail):
    async def check(self, window, turn):
        return Verdict.allow()

class TellVariables(_Rail):
    async def check(self, window, turn):
        return Verdict.block(repr(dict(turn.variables)))

class NoCurse(_Rail):
    async def check(self, window, turn):
        at = window.text.find("curse")
        if at < 0:
            return Verdict.allow()
        return Verdict.block("somebody cursed \\x1b[2J", category="rude", span=window.span(at, at + 5))

class NoNumbers(_Rail):
    async def check(self, window, turn):
        edits = [Edit(window.context_start + i, window.context_start + i + 1, "#")
                 for i, character in enumerate(window.text) if character.isdigit()]
        return Verdict.rewrite(edits) if edits else Verdict.allow()

class Explode(_Rail):
    async def check(self, window, turn):
        raise RuntimeError("boom \\x1b[2J")

class Shout(_Rail):
    def open(self, turn):
        return self
    def feed(self, text):
        return Ruling(text.upper())
    def finish(self):
        return Ruling()

class _Provider:
    def __init__(self, settings, context):
        self.name = context.model.model

class NotChunks(_Provider):
    async def stream(self, messages, params):
        yield "text"

class Impolite(_Provider):
    async def stream(self, messages, params):
        yield Chunk("well")
        raise KeyError("what")

class Stubborn(_Provider):
    async def stream(self, messages, params):
        yield Chunk("I will not be stopped. ")
        time.sleep(600)
        yield Chunk("Ha.")
"""


@pytest.fixture(autouse=True)
def no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_HISTORY", "")
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        monkeypatch.delenv(variable, raising=False)


def install(folder: Path, distribution: str, files: dict[str, str], *, plugin: str) -> None:
    """Lay out a distribution as an installer would, in a folder that is then put on the path."""
    metadata = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[handrail]\n{distribution.removeprefix('handrail-')} = {plugin}\n")
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install further plugins, for this process and those it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
    before = set(sys.modules)

    def put(distribution: str, files: dict[str, str], *, plugin: str) -> None:
        install(folder, distribution, files, plugin=plugin)
        importlib.invalidate_caches()

    yield put
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(folder) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture
def own_plugin(installed: Callable[..., None]) -> None:
    """Install a distribution `handrail-of-tests` with rails, engines and commands."""
    files = {
        "handrail_of_tests/__init__.py": "",
        "handrail_of_tests/plugin.py": PLUGIN,
        "handrail_of_tests/parts.py": PARTS,
    }
    installed("handrail-of-tests", files, plugin="handrail_of_tests.plugin")


@pytest.fixture
def configuration(tmp_path: Path) -> Callable[..., str]:
    """Write a configuration with a scripted model; give its path."""

    def write(
        *output: str,
        on_input: tuple[str, ...] = (),
        streaming: dict[str, object] | None = None,
        rail_config: dict[str, object] | None = None,
        **pace: object,
    ) -> str:
        parameters = {"answers": ANSWERS, "default": DEFAULT, **pace}
        cuts = {"enabled": True, "chunk_size": 6, "context_size": 2, "first_chunk_size": 4}
        file = tmp_path / "config.yml"
        content = {
            "models": [{"type": "main", "engine": "scripted", "model": "parrot", "parameters": parameters}],
            "rails": {
                "input": {"flows": list(on_input)},
                "output": {"flows": list(output), "streaming": {**cuts, **(streaming or {})}},
                "config": rail_config or {},
            },
        }
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return str(file)

    return write


# Ctrl-C must reach the command also where the tests run in the background, where a shell has it ignored.
_TAKE_TERMINAL = (
    "import fcntl, os, signal, sys, termios; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_LONGEST_MOMENT = 5.0  # seconds
_LONGEST_WAIT = 30.0  # seconds; only a test that fails waits so long


class Terminal:
    """A command in a pseudo-terminal of 100 columns, to type into and to look at."""

    def __init__(self, *arguments: str) -> None:
        self.raw = ""
        self._seen = 0
        self._own, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        command = [sys.executable, "-c", _TAKE_TERMINAL, str(Path(sys.executable).with_name("handrail")), *arguments]
        environment = {**os.environ, "TERM": "xterm"}
        self.process = subprocess.Popen(
            command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
        )
        os.close(its)

    @property
    def text(self) -> str:
        """All that was shown, without control sequences."""
        return _CONTROL.sub("", self.raw).replace("\r", "")

    def type(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def until(self, text: str) -> str:
        """Wait until a text is shown behind what was waited for last; give what came before it."""
        deadline = time.monotonic() + _LONGEST_WAIT
        while (at := self.text.find(text, self._seen)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was not shown; shown was:\n{self.text[self._seen :]}")
        before, self._seen = self.text[self._seen : at], at + len(text)
        return before

    def prompt(self) -> str:
        """Wait until a line can be typed; give what was shown before."""
        return self.until("\n> ")

    def interrupt(self) -> None:
        """Press Ctrl-C at the prompt until something comes of it.

        A prompt is shown a moment before Python waits for keys, and Python does not notice Ctrl-C in that moment.
        """
        before = len(self.raw)
        deadline = time.monotonic() + _LONGEST_WAIT
        while len(self.raw) == before and time.monotonic() < deadline:
            self.type("\x03")
            if not self._read(time.monotonic() + _LONGEST_MOMENT) and self.process.poll() is not None:
                return

    def rest(self) -> str:
        """Wait until the command has ended; give what was shown to the end."""
        deadline = time.monotonic() + _LONGEST_WAIT
        while self._read(deadline):
            pass
        return self.text[self._seen :]

    def code(self) -> int:
        """Wait until the command has ended; give its exit code."""
        self.rest()
        return self.process.wait(_LONGEST_WAIT)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._own)[3] & termios.ECHO)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._own], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            found = os.read(self._own, 65536)
        except OSError:  # nobody has the terminal open any more
            return False
        self.raw += found.decode("utf-8", "replace")
        return bool(found)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Start commands in terminals, which end with the test."""
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
