"""The libraries and programs of others, each in an environment of its own below `.venvs`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class Client:
    """A library or a program, and what is installed to use it: from PyPI, or from npm."""

    title: str
    program: str
    packages: tuple[str, ...]
    from_npm: bool = False

    @property
    def folder(self) -> Path:
        """Where its own environment is, which all programs for it share."""
        return ROOT / ".venvs" / f"client-{re.sub(r'[^a-z]+', '-', self.title.lower())}"

    @property
    def name(self) -> str:
        """The name of its first package."""
        return re.split(r"[\[<]|(?<=.)@", self.packages[0])[0]

    @property
    def command(self) -> list[str]:
        """What runs its program."""
        if self.program.endswith(".mjs"):
            return ["node", str(self.folder / self.program)]
        python = sys.executable if self.from_npm else str(self.folder / "bin" / "python")
        return [python, str(PROGRAMS / f"{self.program}.py")]


def prepare(client: Client) -> None:
    """Make a client's own environment, if it is not there."""
    if client.from_npm:
        if not (client.folder / "node_modules").exists():
            client.folder.mkdir(parents=True, exist_ok=True)
            command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(client.folder)]
            subprocess.run([*command, *client.packages], check=True)
        if client.program.endswith(".mjs"):  # node looks for packages beside a program
            shutil.copy(PROGRAMS / client.program, client.folder)
    elif not (python := client.folder / "bin" / "python").exists():
        uv = str(ROOT / ".venv" / "bin" / "uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(client.folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *client.packages], check=True)


def run(client: Client, **environment: str) -> list[Mapping[str, Any]]:
    """Run a client's program, and return the lines of JSON that it tells."""
    environ = {
        **os.environ,
        "CLIENTS_PROGRAMS": str(client.folder / "node_modules" / ".bin"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONWARNINGS": "ignore",
        **environment,
    }
    done = subprocess.run(client.command, capture_output=True, text=True, env=environ, timeout=600, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"dialect"')]
    if not told or done.returncode:
        raise SystemExit(f"{client.title}: {done.stderr[-2000:]}")
    return told


def version(client: Client) -> str:
    """Return the version of a client's first package."""
    if client.from_npm:
        package = client.folder / "node_modules" / client.name / "package.json"
        return str(json.loads(package.read_text(encoding="utf-8"))["version"])
    code = f"from importlib.metadata import version; print(version({client.name!r}))"
    python = str(client.folder / "bin" / "python")
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
