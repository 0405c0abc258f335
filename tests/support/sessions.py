"""Does what a page says, as its reader would: writes its files, runs its commands, compares what they print."""

from __future__ import annotations

import ast
import inspect
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
from distributions import CONSTRAINTS, HYPOTHESIS, MEMBERS, project
from pages import Snippet
from ports import free_port

_PROMPT = "$ "
_PORT = "8000"  # the port that pages name; each session has one of its own instead
_ANYTHING = "..."
_NEW_ENVIRONMENT = ("python -m venv", "new-environment")  # what pages say, and what does it in a tenth of the time


@dataclass
class Session:
    """A reader at work in one folder.

    Attributes:
        folder: where they are.
        environment: the variables of their shell.
    """

    folder: Path
    environment: dict[str, str]
    _namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    _background: list[subprocess.Popen[str]] = field(default_factory=list)
    _printed: str = ""
    _port: str = field(default_factory=lambda: str(free_port()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._background:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=300)

    def follow(self, snippets: Iterable[Snippet]) -> None:
        """Do what the snippets say, in order."""
        for snippet in snippets:
            if snippet.file is not None:
                self._write(snippet)
            elif snippet.language == "console":
                for command, printed in commands(snippet.code):
                    self._command(command, printed, snippet)
            elif snippet.is_output:
                where = f"{snippet.place} is not what the Python before it prints"
                assert matches(self._printed, snippet.code), f"{where}\n{self._printed}"
            elif snippet.language == "python":
                self._printed = self._python(snippet)

    def _write(self, snippet: Snippet) -> None:
        file = self.folder / str(snippet.file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(snippet.code, encoding="utf-8")

    def _command(self, command: str, printed: str, snippet: Snippet) -> None:
        command = command.replace(_PORT, self._port).replace(*_NEW_ENVIRONMENT)
        word, _, rest = command.partition(" ")
        if word == "cd":
            self.folder = (self.folder / rest).resolve()
        elif word == "." and rest.endswith("/bin/activate"):
            self._activate((self.folder / rest).parents[1])
        elif command.endswith(" &"):
            self._background.append(self._start(command.removesuffix(" &")))
        else:
            process = self._start(command)
            output, _ = process.communicate(timeout=300)
            where = f"{snippet.place}: {command}"
            assert process.returncode == 0, f"{where}\n{output}"
            found = output.replace(self._port, _PORT)
            assert matches(found, printed), f"{where}\nprinted:\n{found}\nthe page has:\n{printed}"

    def _activate(self, environment: Path) -> None:
        left = str(Path(self.environment.get("VIRTUAL_ENV", "/no environment"), "bin"))
        path = [entry for entry in self.environment["PATH"].split(os.pathsep) if entry != left]
        self.environment |= {
            "VIRTUAL_ENV": str(environment),
            "PATH": os.pathsep.join([str(environment / "bin"), *path]),
        }

    def _start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _python(self, snippet: Snippet) -> str:
        here, folder = Path.cwd(), str(self.folder)
        os.chdir(folder)
        sys.path.insert(0, folder)
        try:
            return run_python(snippet, self._namespace)
        finally:
            sys.path.remove(folder)
            os.chdir(here)
            for name, module in list(sys.modules.items()):
                if str(getattr(module, "__file__", None)).startswith(folder):
                    del sys.modules[name]


def run_python(snippet: Snippet, namespace: dict[str, Any], *, loop: Callable[[], Any] | None = None) -> str:
    """Run a snippet that may await at its top level, on a loop of asyncio that may be one whose clock jumps.

    Returns:
        What it printed.
    """
    code = compile("\n" * snippet.line + snippet.code, snippet.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with redirect_stdout(io.StringIO()) as printed:
        result = eval(code, namespace)
        if inspect.iscoroutine(result):

            async def run() -> None:
                await result

            anyio.run(run, backend_options={"loop_factory": loop})
    return printed.getvalue()


def commands(code: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console, and what the page says that it prints."""
    command, printed = "", []
    for line in code.splitlines():
        if line.startswith(_PROMPT) or (command.endswith("\\") and line.startswith("    ")):
            if line.startswith(_PROMPT):
                if command:
                    yield command, "\n".join(printed)
                command, printed = line.removeprefix(_PROMPT), []
            else:
                command = f"{command.removesuffix(chr(92))}{line.strip()}"
        else:
            printed.append(line)
    if command:
        yield command, "\n".join(printed)


def matches(found: str, printed: str) -> bool:
    """Return whether an output is what a page shows: blanks make no difference, and `...` stands for anything."""
    if not printed.strip():
        return True
    parts = [re.escape(" ".join(part.split())) for part in printed.split(_ANYTHING)]
    return re.fullmatch(".*".join(parts), " ".join(found.split())) is not None


def own_environment() -> dict[str, str]:
    """Return the shell of somebody who has everything of this repository installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "HANDRAIL"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1", "HANDRAIL_EXAMPLES": "1", **HYPOTHESIS}


def fresh_environment(wheels: Path, scratch: Path) -> dict[str, str]:
    """Return the shell of somebody who has nothing installed, and a folder with the members' wheels.

    Their `pip` is uv's, which is quicker and never too old.
    """
    tools = scratch / "tools"
    tools.mkdir()
    uv = Path(sys.executable).with_name("uv")
    refreshed = " ".join(f"--refresh-package={project(member)['name']}" for member in MEMBERS)  # uv remembers folders
    _program(tools / "pip", f'[ "$*" = "install --upgrade pip" ] || exec "{uv}" pip "$@" {refreshed}')
    _program(tools / "new-environment", f'exec "{uv}" venv --python "{sys.executable}" "$@"')
    found = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
    ours = str(Path(sys.executable).parent)
    path = [str(tools), *(entry for entry in os.environ["PATH"].split(os.pathsep) if entry != ours)]
    kept = {
        name: value for name, value in own_environment().items() if not name.startswith(("PYTHON", "UV_", "VIRTUAL"))
    }
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "UV_FIND_LINKS": ",".join(filter(None, [str(wheels), found])),
        "UV_CONSTRAINT": str(CONSTRAINTS),
        "UV_HTTP_RETRIES": "10",
    }


def _program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
