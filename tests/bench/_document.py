"""Writes measurements into a page of `docs/`: each program its own part, and the rest stays as it is."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def write_part(name: str, text: str, document: Path = _DOCUMENT) -> None:
    """Replace the part of this name, which stands between two comments."""
    document.write_text(with_part(document.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_part(document: str, name: str, text: str) -> str:
    """Return a document with another text in the part of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    part = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not part.search(document):
        raise SystemExit(f"the document has no part {begin} ... {end}")
    return part.sub(lambda _: f"{begin}\n\n{text.strip()}\n\n{end}", document)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def machine() -> str:
    """Name the machine, as far as it matters."""
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    name = model.partition(":")[2].strip() or platform.machine()
    load = os.getloadavg()[0]
    busy = f", with a load of {load:.1f} by others and this" if load > (os.cpu_count() or 1) else ""
    return f"{os.cpu_count()} cores of {name}, {platform.system()}, Python {platform.python_version()}{busy}"


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
