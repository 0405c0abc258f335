"""The pages of the documentation as tests read them: their snippets, and what is said beside each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "core/README.md",
    *sorted(page for page in ROOT.glob("docs/**/*.md") if "_build" not in page.parts),
]
_BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_SESSION = re.compile(r"^<!-- session: (?P<where>.+) -->$", re.MULTILINE)
_NOT_RUN = re.compile(r"not run: (?P<why>.+?); tested: (?P<test>\S+)")
_OUTPUT = "output"
_FILE = "file: "


@dataclass(frozen=True)
class Snippet:
    """A piece of code of a page.

    Attributes:
        page: the page.
        line: where it begins.
        language: what it is written in.
        code: the code.
        file: the file of the reader's folder that it is put into; None if it is run.
        is_output: whether it is what the Python before it prints.
    """

    page: Path
    line: int
    language: str
    code: str
    file: str | None = None
    is_output: bool = False

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets(page: Path) -> Iterator[Snippet]:
    """Yield what is run, written or compared of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        note = match["note"] or ""
        if note.startswith("not run"):
            continue
        line = text.count("\n", 0, match.start("code"))
        file = note.removeprefix(_FILE) if note.startswith(_FILE) else None
        yield Snippet(page, line, match["language"], match["code"], file, note == _OUTPUT)


def not_run(page: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each note of a snippet that is not run, why that is so, and the test that stands in for running it."""
    for note in re.findall(r"<!-- (not run.*?) -->", page.read_text(encoding="utf-8")):
        match = _NOT_RUN.fullmatch(note)
        yield note, match["why"] if match else "", match["test"] if match else ""


def session_of(page: Path) -> str | None:
    """Return where the reader of a page works, if the page is one session from its beginning to its end."""
    match = _SESSION.search(page.read_text(encoding="utf-8"))
    return match["where"] if match else None
