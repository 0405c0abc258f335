"""Measure what a token costs inside each host, in the environments that `make hosts` makes.

python tests/bench/hosts.py [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from _document import machine, table, write_part

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HERE_INSTALLED = ("starlette", "open-webui")  # in the environment of development
HOSTS = ("starlette", "langchain", "pydantic-ai", "openai-agents", "litellm", "open-webui")


def measured(host: str) -> list[list[str]]:
    """Return the rows of one host."""
    python = ROOT / ".venvs" / f"hosts-{host}" / "bin" / "python"
    command = [sys.executable if host in HERE_INSTALLED else str(python), str(HERE / "hosts_measure.py"), host]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = []
    for line in done.stdout.splitlines():
        found = json.loads(line)
        plain, guarded = found["plain"], found["guarded"]
        row = [f"{host}, {found['path']}", f"{plain:.0f}", f"{guarded:.0f}", f"{guarded - plain:.0f}"]
        print(*row, sep="  ", flush=True)
        rows.append([*row, f"{guarded / plain:.1f}"])
    return rows


def main() -> None:
    """Measure every host."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    rows = [row for host in HOSTS for row in measured(host)]
    text = f"Measured on {machine()}.\n\n{table(['', 'host alone', 'with rails', 'added', 'ratio'], rows)}"
    if arguments.write:
        write_part("hosts", text)


if __name__ == "__main__":
    main()
