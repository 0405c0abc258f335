"""Measure the server against a bare relay of the same upstream, on loopback, in one run.

    python tests/bench/server.py [--rounds 5] [--write]

Processes: an upstream that speaks OpenAI's protocol, a Starlette relay that parses and re-serialises every event,
`handrail server` without rails and with a free rail in windows of 20, and this client. Everything is measured in turn,
round by round, and compared within a round, because other work on the machine changes from one to the next.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping
from statistics import median, quantiles

from _document import machine, table, write_part
from _serving import PROCESSES, WINDOW, Server, Started, handrail, started, throughput

CLIENTS = {1: 4000, 16: 2000, 64: 1000}  # clients at once: tokens for each
PACE = 0.02
STREAMS = 500

Row = tuple[str, Mapping[str, float], str]


def serve(processes: Started) -> tuple[Server, list[Server]]:
    """Start everything; give the upstream and the servers, the relay first."""
    upstream = processes.start("upstream", PROCESSES, "upstream")
    return upstream, [
        processes.start("relay", PROCESSES, "relay", str(upstream.port)),
        _quickest(processes, upstream, "Handrail", guarded=False),
        _quickest(processes, upstream, "Handrail, a free rail", guarded=True),
    ]


def _quickest(processes: Started, upstream: Server, name: str, *, guarded: bool) -> Server:
    """Start a server three times, and go on with the one that was quickest: other work makes starts slower only."""
    made = [handrail(processes, upstream, name, guarded=guarded) for _ in range(3)]
    return min(made, key=lambda server: server.seconds)


async def rates(servers: list[Server], rounds: int) -> list[Row]:
    """Return throughput over the relay's, and what a token costs."""
    rows: list[Row] = []
    for clients, tokens in CLIENTS.items():
        found: dict[str, list[tuple[float, float, float]]] = {server.name: [] for server in servers}
        for _ in range(rounds):
            relay = 0.0
            for server in servers:
                rate, cost = await throughput(server, clients, tokens)
                relay = relay or rate
                found[server.name].append((rate, rate / relay, cost))
        middle = {name: [median(column) for column in zip(*values, strict=True)] for name, values in found.items()}
        what = f"{clients} client{'s' if clients > 1 else ''}"
        rows += [
            (f"tokens per second, {what}", {name: values[0] for name, values in middle.items()}, "{:,.0f}"),
            ("its ratio to the relay's in the same round", {n: values[1] for n, values in middle.items()}, "{:.2f}"),
            ("processor per token, µs", {name: values[2] for name, values in middle.items()}, "{:.1f}"),
        ]
    return rows


async def first_texts(servers: list[Server]) -> list[Row]:
    """Return milliseconds to the first text of one client, asking the servers in turn."""
    found: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(100):
        for server in servers:
            found[server.name].append(1000 * (await server.ask(2 * WINDOW)).first)
    return [
        ("first text, 1 client, ms: median", {name: median(values) for name, values in found.items()}, "{:.1f}"),
        ("the same, quickest tenth", {name: quantiles(values, n=10)[0] for name, values in found.items()}, "{:.1f}"),
    ]


async def paced(servers: list[Server], *, apart: float) -> list[Row]:
    """Return milliseconds to the first text of 64 paced streams over the ideal.

    The upstream sends the first token at once, and a rail sees the first window when its last token is there.
    """

    async def ask(server: Server, delay: float) -> float:
        await asyncio.sleep(delay)
        ideal = (WINDOW - 1) * PACE if "free rail" in server.name else 0.0
        return 1000 * ((await server.ask(100, PACE)).first - ideal)

    found: dict[str, list[float]] = {}
    for server in servers:
        found[server.name] = await asyncio.gather(*(ask(server, number * apart) for number in range(64)))
    how = f"begun {1000 * apart:.0f} ms apart" if apart else "begun at once"
    title = f"first text over the ideal, 64 paced streams {how}, ms"
    return [
        (f"{title}: median", {name: median(values) for name, values in found.items()}, "{:.0f}"),
        ("the same, 95th percentile", {n: quantiles(values, n=20)[-1] for n, values in found.items()}, "{:.0f}"),
    ]


async def leaving(upstream: Server, servers: list[Server]) -> list[Row]:
    """Return milliseconds from a client's leaving to the end of the upstream's connection."""
    found: dict[str, list[float]] = {}
    for server in servers:
        took = found[server.name] = []
        for _ in range(40):
            before = (await upstream.get("/left"))[0]
            await server.ask(100_000, 0.002, leave_after=3)
            left = time.monotonic()
            while (now := await upstream.get("/left"))[0] == before:  # noqa: ASYNC110  # another process
                await asyncio.sleep(0.002)
            took.append(max(1000 * (now[1] - left), 0.0))
    return [
        ("model stopped after a client left, ms: median", {n: median(v) for n, v in found.items()}, "{:.1f}"),
        ("the same, slowest of 40", {name: max(values) for name, values in found.items()}, "{:.1f}"),
    ]


async def memory(servers: list[Server]) -> Row:
    """Return the MiB that a process holds while many streams are open."""
    held: dict[str, float] = {}
    for server in servers:
        tasks = [asyncio.create_task(server.ask(60, 0.1)) for _ in range(STREAMS)]
        held[server.name] = 0.0
        while not all(task.done() for task in tasks):
            held[server.name] = max(held[server.name], server.mebibytes)
            await asyncio.sleep(0.1)
        await asyncio.gather(*tasks)
    return f"memory with {STREAMS} open streams, MiB", held, "{:.0f}"


async def measure(upstream: Server, servers: list[Server], rounds: int) -> list[Row]:
    """Return the rows of the table, and print each as it comes."""
    for server in servers:
        await server.ask(WINDOW)
    rows: list[Row] = [
        ("listening after, s", {server.name: server.seconds[0] for server in servers}, "{:.2f}"),
        ("of them, of the processor", {server.name: server.seconds[1] for server in servers}, "{:.2f}"),
    ]
    guarded = servers[1:]
    parts = (rates(servers, rounds), first_texts(servers), paced(servers, apart=0.025))
    for part in (*parts, paced(servers, apart=0), leaving(upstream, guarded), memory(servers)):
        found = await part
        for row in found if isinstance(found, list) else [found]:
            print(f"{row[0]:<72}", *cells(row, servers), sep="  ", flush=True)
            rows.append(row)
    return rows


def cells(row: Row, servers: list[Server]) -> list[str]:
    """Return a row's numbers in the order of the servers."""
    _, values, form = row
    return [form.format(values[server.name]) if server.name in values else "–" for server in servers]


def main() -> None:
    """Start everything, measure, end everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    with started() as processes:
        upstream, servers = serve(processes)
        rows = asyncio.run(measure(upstream, servers, arguments.rounds))
    shown = table(["", *(server.name for server in servers)], [[row[0], *cells(row, servers)] for row in rows])
    text = f"Measured on {machine()}. Medians of {arguments.rounds} rounds.\n\n{shown}"
    print(f"\n{text}")
    if arguments.write:
        write_part("server", text)


if __name__ == "__main__":
    main()
