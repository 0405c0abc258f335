"""Runs the probe: what discovery of a distribution's plugins does in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_PROGRAM = Path(__file__).with_name("_probe.py")
_SECONDS = 300
_BETWEEN = "implementation\n"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a fresh process has seen.

    Attributes:
        problem: why the plugins' hooks cannot be read; None if they can.
        seconds: what discovery took.
        modules: what discovery imported, and the kernel had not.
        problems: why targets or settings cannot be imported.
    """

    problem: str | None
    seconds: float
    modules: Sequence[str]
    problems: Sequence[str]
    _phases: Mapping[str, Mapping[str, Any]]

    def traces(self, phase: Literal["discovery", "implementation"]) -> list[str]:
        """Return what importing left behind, or did beside, a line each."""
        seen = self._phases[phase]
        return [
            *(f"printed: {line}" for line in seen["printed"].splitlines()),
            *(f"logged: {record}" for record in seen["logged"]),
            *(f"did: {action}" for action in seen["done"]),
            *(f"changed: {name}" for name in seen["changed"]),
        ]


def probed(distribution: str, folder: Path) -> Probe:
    """Let a fresh process discover the plugins of a distribution.

    Raises:
        AssertionError: the process did not come to its end.
    """
    result = folder / "result.json"
    command = [sys.executable, "-P", "-B", str(_PROGRAM), distribution, str(result)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603  # ours
    if not result.is_file():
        raise AssertionError(f"discovery ended the process with {done.returncode}: {done.stdout}{done.stderr}")
    found = json.loads(result.read_text(encoding="utf-8"))
    parts = [stream.partition(_BETWEEN) for stream in (done.stdout, done.stderr)]
    for phase, place in (("discovery", 0), ("implementation", 2)):
        found[phase]["printed"] = "".join(part[place] for part in parts)
    phases = {phase: found[phase] for phase in ("discovery", "implementation")}
    return Probe(
        found["problem"], found["seconds"], found["discovery"]["modules"], found["implementation"]["problems"], phases
    )
