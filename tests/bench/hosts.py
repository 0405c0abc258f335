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
HERE_INSTALLED = ("engine", "starlette", "open-webui")  # in the environment of development
HOSTS = ("engine", "starlette", "langchain", "pydantic-ai", "openai-agents", "litellm", "open-webui")


def measured(host: str) -> list[list[str]]:
    """Return the rows of one host."""
    python = ROOT / ".venvs" / f"hosts-{host}" / "bin" / "python"
    command = [sys.executable if host in HERE_INSTALLED else str(python), str(HERE / "hosts_measure.py"), host]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    rows = []
    for stream, window in zip(found[::2], found[1::2], strict=True):
        alone = min(stream["plain"], window["plain"])
        added = [f"{one['guarded'] - one['plain']:.1f}" for one in (stream, window)]
        rows.append([f"{host}, {stream['path']}", f"{alone:.1f}", *added])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def main() -> None:
    """Measure every host."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    rows = [row for host in HOSTS for row in measured(host)]
    text = f"Measured on {machine()}.\n\n{table(['', 'host alone', 'a stream rail adds', 'a window rail adds'], rows)}"
    if arguments.write:
        write_part("hosts", text)


if __name__ == "__main__":
    main()
