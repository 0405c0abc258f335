"""Measure what observers cost a server that 64 clients ask at once; `observers.py` writes it into the documentation.

    python tests/bench/observed_servers.py [--rounds 9] [--instructions]

Checks are as far apart as by default, and ten times closer. Each server is compared with the one without observers: by
the tokens that it sends in a second, in the same round, and by the least time of the processor that it needed for one.
With `--instructions` valgrind counts those of one answer after another instead, on which the load of a machine tells
nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from _document import machine, table
from _serving import FREE_RAIL, PROCESSES, SHORT_WINDOWS, Server, Started, free_rail_server, started, throughput

CLIENTS, TOKENS = 64, 1000
_COUNTED = 16  # answers
_COUNTING = """#!/bin/sh
exec valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=FOLDER/%p {python} "$@"
""".replace("{python}", sys.executable)
_WINDOWS: Mapping[str, Mapping[str, int]] = {"200 tokens, by default": {}, "20 tokens": SHORT_WINDOWS}
_OBSERVERS: Mapping[str, tuple[Sequence[str], str]] = {  # which, and how the SDK is set up
    "none": ((), ""),
    "one that makes a bare span of the SDK": (("bare",), ""),
    "`otel`": (("otel",), ""),
    "`audit`": (("audit",), ""),
    "`otel` and `audit`": (("otel", "audit"), ""),
    "both, spans encoded for OTLP": (("otel", "audit"), "encoded=True"),
    "both, a tenth of the calls sampled": (("otel", "audit"), "sampled=0.1"),
}
_SET_UP = """
import sys

sys.path.insert(0, BENCH)
from handrail.plugins import ObserverSpec
from observers import Bare, set_up_otel

set_up_otel(SDK)


@hookimpl
def handrail_observers():
    yield ObserverSpec("bare", lambda settings, context: Bare())
"""


def _started(
    processes: Started, folder: Path, windows: Mapping[str, int], python: Path | None = None
) -> Mapping[str, Server]:
    """Start a server with each choice of observers."""
    upstream = processes.start("upstream", PROCESSES, "upstream")
    set_up = _SET_UP.replace("BENCH", repr(str(Path(__file__).parent)))

    def installed(names: Sequence[str], sdk: str) -> Mapping[str, object]:
        if not {"bare", "otel"} & {*names}:
            return FREE_RAIL
        return {**FREE_RAIL, "free_rail.py": f"{FREE_RAIL['free_rail.py']}{set_up.replace('SDK', sdk)}"}

    settings = {"bare": None, "otel": None, "audit": {"folder": str(folder / "served"), "usage": True}}
    return {
        told: free_rail_server(
            processes,
            upstream,
            f"{told} {len(windows)}".replace("`", ""),
            installed=installed(names, sdk),
            observers={name: settings[name] for name in names},
            windows=windows,
            python=python,
        )
        for told, (names, sdk) in _OBSERVERS.items()
    }


async def _compared(servers: Mapping[str, Server], rounds: int) -> Mapping[str, tuple[float, float]]:
    """Return, for each server, how it compares with the one without observers: by throughput, and by time."""
    found: dict[str, list[tuple[float, float]]] = {told: [] for told in servers}
    for number in range(rounds + 1):
        for told in servers if number % 2 else reversed(servers):
            measured = await throughput(servers[told], CLIENTS, TOKENS)
            found[told] += [measured] if number else []  # the first round warms up
    rates, least = [rate for rate, _ in found["none"]], min(spent for _, spent in found["none"])
    return {
        told: (
            median(rate / without for (rate, _), without in zip(measured, rates, strict=True)),
            least / min(spent for _, spent in measured),
        )
        for told, measured in found.items()
    }


def served(rounds: int) -> str:
    """Return a table of what observers cost servers."""
    rows = {told: [told] for told in _OBSERVERS}
    for windows in _WINDOWS.values():
        with tempfile.TemporaryDirectory() as folder, started() as processes:
            servers = _started(processes, Path(folder), windows)
            for told, ratios in asyncio.run(_compared(servers, rounds)).items():
                rows[told] += [f"{ratio:.2f}" for ratio in ratios]
    heads = [f"Windows of {name}: {what}" for name in _WINDOWS for what in ("tokens a second", "processor")]
    return table(["Observers of the server", *heads], list(rows.values()))


def counted() -> str:
    """Return a table of the instructions that observers cost servers, with windows as large as by default."""
    with tempfile.TemporaryDirectory() as name, started() as processes:
        folder = Path(name)
        python = folder / "python"
        python.write_text(_COUNTING.replace("FOLDER", name), encoding="utf-8")
        python.chmod(0o700)
        servers = _started(processes, folder, {}, python)
        found = {told: _instructions(server, folder) for told, server in servers.items()}
    rows = [[told, f"{count / 1e6:.1f}", f"{found['none'] / count:.3f}"] for told, count in found.items()]
    return table(["Observers of the server", "Million instructions for an answer", "Throughput by these"], rows)


def _instructions(server: Server, folder: Path) -> float:
    """Return how many instructions an answer costs a server that runs under valgrind."""

    async def ask(count: int) -> None:
        for _ in range(count):
            await server.ask(TOKENS)

    asyncio.run(ask(3))  # warms up
    subprocess.run(["callgrind_control", "-i", "on", str(server.pid)], check=True, capture_output=True)
    asyncio.run(ask(_COUNTED))
    subprocess.run(["callgrind_control", "-d", str(server.pid)], check=True, capture_output=True)
    written = "".join(file.read_text(encoding="utf-8", errors="replace") for file in folder.glob(f"{server.pid}*"))
    return max(map(int, re.findall(r"^(?:summary|totals): (\d+)", written, re.MULTILINE))) / _COUNTED


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--instructions", action="store_true")
    arguments = parser.parse_args()
    if arguments.instructions:
        print(counted())
        return
    print(f"{served(arguments.rounds)}\n\nMedians of {arguments.rounds} rounds, on {machine()}.")


if __name__ == "__main__":
    sys.exit(main())
