"""What every program here does with its library's way to ask: each case once, and a line of JSON about each."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import time
import urllib.request
from collections.abc import Callable

BASE = os.environ["CLIENTS_BASE"]
CASES = os.environ["CLIENTS_CASES"].split()


def report(dialect: str, ask: Callable[[str], object]) -> None:
    """Ask every configuration, and print what a user of the library reads of the answer, or its error."""
    for case in CASES:
        told: dict[str, str] = {"dialect": dialect, "case": case, "text": "", "error": ""}
        try:
            found = ask(case)
            told["text"] = str(asyncio.run(found) if inspect.iscoroutine(found) else found)
        except Exception as exc:  # noqa: BLE001  # whatever the library raises is what its user sees
            told["error"] = f"{type(exc).__name__}: {exc}"
        print(json.dumps(told), flush=True)  # noqa: T201  # read by whoever has started this


def report_leaving(dialect: str, leave: Callable[[str], object]) -> None:
    """Leave an answer after its first text, and print that text once the server has no stream any more."""
    told: dict[str, str] = {"dialect": dialect, "case": "leaving", "text": "", "error": ""}
    try:
        found = leave("leaving")
        told["text"] = str(asyncio.run(found) if inspect.iscoroutine(found) else found)
        told["error"] = _left_with()
    except Exception as exc:  # noqa: BLE001  # whatever the library raises is what its user sees
        told["error"] = f"{type(exc).__name__}: {exc}"
    print(json.dumps(told), flush=True)  # noqa: T201  # read by whoever has started this


def _left_with() -> str:
    """Return what is to be said of how the server's stream has ended; nothing if it was at once."""
    if _has_ended():
        return ""
    gc.collect()
    return "once its garbage is collected" if _has_ended() else "the stream goes on"


def _has_ended(seconds: float = 3) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with urllib.request.urlopen(f"{BASE}/metrics", timeout=10) as answer:
            if b"\nhandrail_streams_open 0" in answer.read():
                return True
        time.sleep(0.02)
    return False


def report_loop(dialect: str, loop: Callable[[str], tuple[int, str]]) -> None:
    """Have every configuration call tools, and print how often it has and what its user reads at the end."""
    for case in CASES:
        told: dict[str, object] = {"dialect": dialect, "case": case, "calls": 0, "text": "", "error": ""}
        try:
            told["calls"], told["text"] = loop(case)
        except Exception as exc:  # noqa: BLE001  # whatever the library raises is what its user sees
            told["error"] = f"{type(exc).__name__}: {exc}"
        print(json.dumps(told), flush=True)  # noqa: T201  # read by whoever has started this
