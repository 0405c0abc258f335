"""Measure Envoy with the processor in front of a model's server, against `handrail server` alone, on loopback.

    python tests/bench/envoy.py [--rounds 3] [--write]

Needs what `make envoy` installs. The servers are asked in turn, and compared with the model's own in each round, since
other work on the machine changes from one to the next. A guard releases a window of tokens at once; its first text is
compared with the model's token that completes the window.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import time
from contextlib import closing, suppress
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from _document import machine, table, write_part
from _serving import OVERLAP, PROCESSES, WINDOW, Answer, Server, Started, handrail, started

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "envoy" / "envoy.yaml"
STREAMS, TOKENS, PACE = 16, 100, 0.02
_HEAD = f"in front of a model: {STREAMS} streams at once, {TOKENS} tokens at {1 / PACE:.0f} a second"
BLOCKS = 20
_UNGUARDED = ("--unguarded-path", "/v1/chat/completions")

_RAILS = {
    "bench_rails.py": """
from handrail import Verdict
from handrail.plugins import RailSpec, hookimpl


class Rail:
    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return Verdict.allow()


class Late(Rail):
    async def check(self, window, turn):
        return Verdict.block("late") if window.start >= 200 else Verdict.allow()


@hookimpl
def handrail_rails():
    yield RailSpec("free", Rail)
    yield RailSpec("late", Late)
""",
    "bench_rails-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: bench-rails\nVersion: 1\n",
    "bench_rails-1.dist-info/entry_points.txt": "[handrail]\nbench = bench_rails\n",
}


def start_envoy(processes: Started, upstream: Server, rail: str, *further: str) -> Server:
    """Start a processor with a rail and further options, and Envoy in front of the upstream; return Envoy."""
    streaming = {"enabled": True, "chunk_size": WINDOW, "context_size": OVERLAP, "first_chunk_size": WINDOW}
    config = {"rails": {"output": {"flows": [rail], "streaming": streaming}}}
    folder = processes.folder(f"processor {rail}", {"config.yml": config})
    path = processes.folder("bench rails", _RAILS)
    command = ("-m", "handrail_cli.app", "envoy-processor", "--config", folder, "--listen", "127.0.0.1:0", *further)
    processor = processes.start("processor", *command, PYTHONPATH=path)
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port = found.getsockname()[1]
    file = Path(folder) / "envoy.json"
    file.write_text(json.dumps(_configured(port, upstream.port, processor.port)), encoding="utf-8")
    (envoy,) = (ROOT / ".venvs" / "envoy").glob("lib/python*/site-packages/envoy/_bin/envoy")
    line = f"echo http://127.0.0.1:{port}; exec '{envoy}' -c '{file}' --concurrency 1 -l error --use-dynamic-base-id"
    served = processes.start("Envoy", "-c", line, python=Path("/bin/sh"))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return served
        time.sleep(0.05)
    raise SystemExit("Envoy did not start")


def _configured(port: int, model: int, processor: int) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    resources = config["static_resources"]
    resources["listeners"][0]["address"]["socket_address"]["port_value"] = port
    for cluster, number in zip(resources["clusters"], (model, processor), strict=True):
        endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        del endpoints[1:]
        endpoints[0]["endpoint"]["address"]["socket_address"]["port_value"] = number
    return config


async def streams(server: Server, noted: int = 1) -> tuple[float, float]:
    """Return milliseconds to the first text and in all, as the middle one of streams at once has them."""
    found: list[Answer] = await asyncio.gather(*(server.ask(TOKENS, PACE, noted=noted) for _ in range(STREAMS)))
    return 1000 * median(one.first for one in found), 1000 * median(one.total for one in found)


async def stopping(upstream: Server, envoy: Server) -> list[float]:
    """Return for blocks how many milliseconds after the client was told the upstream was stopped."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "say 100000 words every 0.002 s"}]}
    sent = json.dumps(body).encode()
    lines = ("POST /v1/chat/completions HTTP/1.1", "Host: h", "Content-Type: application/json")
    head = "\r\n".join((*lines, f"Content-Length: {len(sent)}"))
    took: list[float] = []
    for _ in range(BLOCKS):
        before = (await upstream.get("/left"))[0]  # type: ignore[index]  # a list
        reader, writer = await asyncio.open_connection("127.0.0.1", envoy.port)
        writer.write(head.encode() + b"\r\n\r\n" + sent)
        await reader.readuntil(b"content_filter")
        told = time.monotonic()
        while (now := await upstream.get("/left"))[0] == before:  # type: ignore[index]  # noqa: ASYNC110  # a process
            await asyncio.sleep(0.002)
        took.append(max(1000 * (now[1] - told), 0.0))  # type: ignore[index]
        writer.close()
    return took


async def measure(upstream: Server, servers: dict[str, tuple[Server, int]], rounds: int) -> list[list[str]]:
    """Return the rows of the table.

    Args:
        upstream: the model's server.
        servers: what is in front of it, and how many tokens are the first text there.
        rounds: how often each is asked.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for number in range(rounds + 1):
        alone = {noted: await streams(upstream, noted) for noted in (1, WINDOW)}
        for name, (server, noted) in servers.items():
            first, total = await streams(server)
            if number:  # the first is to get warm
                found[name].append((first - alone[noted][0], total / median(one for _, one in alone.values())))
    medians = {name: [median(column) for column in zip(*values, strict=True)] for name, values in found.items()}
    return [[name, f"{first:.1f}", f"{100 * (total - 1):.1f}"] for name, (first, total) in medians.items()]


async def stopped(upstream: Server, blocking: Server) -> str:
    """Return a sentence on blocks."""
    took = sorted(await stopping(upstream, blocking))
    told = f"The client was told of a block, and {median(took):.1f} ms later the model was stopped"
    return f"{told} (median of {BLOCKS}; the slowest: {took[-1]:.1f} ms)."


def main() -> None:
    """Start everything, measure, end everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    with started() as processes:
        upstream = processes.start("upstream", PROCESSES, "upstream")
        servers = {
            "`handrail server`": (handrail(processes, upstream, "Handrail", guarded=True), WINDOW),
            "Envoy and a processor that judges nothing": (start_envoy(processes, upstream, "free", *_UNGUARDED), 1),
            "Envoy and a processor": (start_envoy(processes, upstream, "free"), WINDOW),
        }
        rows = asyncio.run(measure(upstream, servers, arguments.rounds))
        told = asyncio.run(stopped(upstream, start_envoy(processes, upstream, "late")))
    shown = table([_HEAD, "first text, ms later", "total, % longer"], rows)
    text = f"Measured on {machine()}. Medians of {arguments.rounds} rounds. {told}\n\n{shown}"
    print(f"\n{text}")
    if arguments.write:
        write_part("envoy", text)


if __name__ == "__main__":
    main()
