"""Writes measurements into `docs/benchmarks.md`: each program its own part, and the rest stays as it is."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def write_part(name: str, text: str) -> None:
    """Replace the part of this name, which stands between two comments."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    document = _DOCUMENT.read_text(encoding="utf-8")
    part = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not part.search(document):
        raise SystemExit(f"{_DOCUMENT} has no part {begin} ... {end}")
    _DOCUMENT.write_text(part.sub(lambda _: f"{begin}\n\n{text.strip()}\n\n{end}", document), encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Give a table in Markdown."""
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
