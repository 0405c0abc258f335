"""What is measured: a list of cases, the same for every system, as plain data that goes to its process as JSON."""

from __future__ import annotations

from typing import Any

LATENCIES = (0.0, 0.05, 0.2, 0.5)
RAILS = (1, 2, 4)
TOKENS = 200
GAP = 0.01
WINDOW = 20
OVERLAP = 5
VIOLATIONS = (12, 25, 38, 51, 64, 77, 90, 103)


def all_cases(*, quick: bool = False) -> list[dict[str, Any]]:
    """Return the cases; `quick` leaves out most of them, to try the program."""
    pace = [_pace(latency, rails) for rails in RAILS for latency in LATENCIES]
    crowd = [_crowd(streams) for streams in (1, 50, 200)]
    rest = [_cpu(), _violation(), _slow_consumer()]
    return [pace[1], crowd[1], *rest] if quick else [*rest, *pace, *crowd]


def memory_case() -> dict[str, Any]:
    """Return the case that is measured in a process of its own: how much memory a long stream takes."""
    return {"id": "memory", "kind": "memory", "tokens": 5000, "gap": -1.0, "latency": 0.0, "rails": 1}


def _pace(latency: float, rails: int) -> dict[str, Any]:
    name = f"pace L={latency:g} rails={rails}"
    return {"id": name, "kind": "pace", "tokens": TOKENS, "gap": GAP, "latency": latency, "rails": rails}


def _crowd(streams: int) -> dict[str, Any]:
    name = f"crowd streams={streams}"
    case = {"tokens": TOKENS, "gap": 0.02, "latency": 0.05, "rails": 1, "streams": streams}
    return {"id": name, "kind": "crowd", **case}


def _cpu() -> dict[str, Any]:
    return {"id": "cpu", "kind": "cpu", "tokens": 4000, "gap": 0.0, "latency": 0.0, "rails": 1}


def _violation() -> dict[str, Any]:
    case = {"tokens": 300, "gap": GAP, "latency": 0.2, "rails": 1, "places": list(VIOLATIONS)}
    return {"id": "violation", "kind": "violation", **case}


def _slow_consumer() -> dict[str, Any]:
    case = {"tokens": 20_000, "gap": -1.0, "latency": 0.0, "rails": 1, "pause": 0.001, "leave_after": 2.0}
    return {"id": "slow consumer", "kind": "slow", **case}
