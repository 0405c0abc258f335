"""Measure what observers cost a server that 64 clients ask at once; `observers.py` writes it into the documentation.

    python tests/bench/observed_servers.py [--rounds 9]

Checks are as far apart as by default, and ten times closer. Each server is compared with the one without observers: by
the tokens that it sends in a second, in the same round, and by the least time of the processor that it needed for one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from _document import machine, table
from _serving import FREE_RAIL, PROCESSES, SHORT_WINDOWS, Server, Started, free_rail_server, started, throughput

CLIENTS, TOKENS = 64, 1000
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


def _started(processes: Started, folder: Path, windows: Mapping[str, int]) -> Mapping[str, Server]:
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    print(f"{served(arguments.rounds)}\n\nMedians of {arguments.rounds} rounds, on {machine()}.")


if __name__ == "__main__":
    sys.exit(main())
