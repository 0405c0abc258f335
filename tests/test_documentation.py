"""Every snippet of the README and the documentation runs."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from handrail import RailsConfig

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "core/README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(
    r"(?:<!-- (?P<note>.*?) -->\n)?^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
NOT_RUN = "not run: "


@dataclass(frozen=True)
class Snippet:
    page: Path
    line: int
    language: str
    code: str


def snippets(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        note = match["note"] or ""
        if note.startswith(NOT_RUN):
            assert note.removeprefix(NOT_RUN), f"{page}: say why a snippet is not run"
            continue
        line = text.count("\n", 0, match.start("code"))
        yield Snippet(page, line, match["language"], match["code"])


ALL = [snippet for page in PAGES for snippet in snippets(page)]


def pages_with(language: str):
    pages = [page for page in PAGES if any(s.page == page and s.language == language for s in ALL)]
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def each(language: str):
    chosen = [snippet for snippet in ALL if snippet.language == language]
    return pytest.mark.parametrize(
        "snippet", chosen, ids=lambda snippet: f"{snippet.page.relative_to(ROOT)}:{snippet.line}"
    )


@pages_with("python")
def test_python_snippets_of_a_page_run_in_order(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for snippet in snippets(page):
        if snippet.language == "python":
            code = compile("\n" * snippet.line + snippet.code, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, namespace)
            if inspect.iscoroutine(result):

                async def run(coroutine=result):
                    await coroutine

                anyio.run(run)


@each("yaml")
def test_yaml_snippets_are_configurations(snippet):
    RailsConfig.from_content(yaml_content=snippet.code)


@each("console")
def test_commands_end_well(snippet):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in snippet.code.splitlines():
        if line.startswith("$ "):
            command = line.removeprefix("$ ")
            done = subprocess.run(command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
