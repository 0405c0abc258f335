"""What discovery of one distribution's plugins does in a fresh process: `python -P -B _probe.py DISTRIBUTION RESULT`.

It is run as a program and imports nothing of this package, so that it measures the plugin alone.
"""

from __future__ import annotations

import builtins
import importlib.metadata
import json
import logging
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import handrail
from handrail.errors import message_of
from handrail.plugins import CommandSpec, DialectSpec, ObserverSpec, PlacementSpec, ProviderSpec, RailSpec, StrategySpec

_KINDS = {
    "provider": ProviderSpec,
    "rail": RailSpec,
    "strategy": StrategySpec,
    "command": CommandSpec,
    "dialect": DialectSpec,
    "observer": ObserverSpec,
    "placement": PlacementSpec,
}
_EVENTS = (
    "os.exec", "os.fork", "os.forkpty", "os.mkdir", "os.posix_spawn", "os.remove", "os.rename", "os.rmdir", "os.spawn",
    "os.system", "socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen",
)  # fmt: skip


class _Notes(logging.Handler):
    """What happens while a phase lasts."""

    def __init__(self) -> None:
        super().__init__(0)
        self.records: list[str] = []
        self.actions: list[str] = []
        logging.root.addHandler(self)
        logging.root.setLevel(1)
        sys.addaudithook(self._audit)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    def taken(self) -> dict[str, list[str]]:
        """Return what was noted, and start again."""
        noted = {"logged": self.records[:], "done": self.actions[:]}
        self.records.clear()
        self.actions.clear()
        return noted

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and _writes(arguments):
            self.actions.append(f"open {arguments[0]!r} for writing")
        elif event in _EVENTS:
            self.actions.append(f"{event} {arguments[:2]!r}")


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return any(letter in (mode or "") for letter in "wax+") or bool(
        (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    )


def _state() -> dict[str, object]:
    """Return what belongs to the whole process and is none of a plugin's business."""
    return {
        "the environment": dict(os.environ),
        "the current folder": str(Path.cwd()),
        "sys.path": list(sys.path),
        "sys.meta_path": list(map(repr, sys.meta_path)),
        "sys.excepthook": repr(sys.excepthook),
        "sys.stdout": repr(sys.stdout),
        "sys.stderr": repr(sys.stderr),
        "the root logger": (logging.root.level, list(map(repr, logging.root.handlers)), logging.root.manager.disable),
        "warnings.filters": list(map(repr, warnings.filters)),
        "signal handlers": [repr(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)],
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "builtins": sorted(vars(builtins)),
    }


def _changed(before: dict[str, object]) -> list[str]:
    after = _state()
    return [name for name in before if before[name] != after[name]]


def _discover(points: list[importlib.metadata.EntryPoint]) -> tuple[Any, str | None]:
    registry = handrail.Registry()
    try:
        for point in points:
            registry = registry.with_plugins(point.load())
    except Exception as exc:  # noqa: BLE001  # whatever is wrong with the plugin is the result
        return registry, f"{type(exc).__name__}: {message_of(exc)}"
    return registry, None


def _load_targets(registry: Any) -> list[str]:
    problems = []
    for kind, spec_type in _KINDS.items():
        for name in registry.names(spec_type):
            try:
                offer = getattr(registry, kind)(name)
                loaded = offer.load()
                offer.load_settings()
            except Exception as exc:  # noqa: BLE001  # likewise
                problems.append(message_of(exc))
                continue
            if not callable(loaded):
                problems.append(f"the target of {name!r} is {loaded!r}, which cannot be called")
    return problems


def main(distribution: str, result: str) -> None:
    """Measure, and write the result as JSON."""
    points = list(importlib.metadata.distribution(distribution).entry_points.select(group="handrail"))
    handrail.Registry()  # what the kernel imports is not the plugin's cost
    notes, before, modules = _Notes(), _state(), set(sys.modules)
    started = time.perf_counter()
    registry, problem = _discover(points)
    seconds = time.perf_counter() - started
    discovery = {"modules": sorted(set(sys.modules) - modules), "changed": _changed(before), **notes.taken()}
    for stream in (sys.stdout, sys.stderr):  # what stands after this line was printed by the implementation
        stream.write("implementation\n")
        stream.flush()
    before = _state()
    del before["warnings.filters"]  # large libraries add to them, which a plugin that needs one cannot help
    problems = _load_targets(registry)
    implementation = {"problems": problems, "changed": _changed(before), **notes.taken()}
    found = {"problem": problem, "seconds": seconds, "discovery": discovery, "implementation": implementation}
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
