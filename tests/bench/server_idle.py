"""Measure what streams cost that stand still: many in one process of the server, each with a first text and no second.

    python tests/bench/server_idle.py [--streams 10000] [--write]

The client is a process of its own, and the model has no socket: an engine that says a few words and then nothing. While
all streams stand still, `/healthz` is asked. It fails if the server holds more than 1 GiB, or keeps something of the
streams once they have gone.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from _document import machine, table, write_part
from _serving import FREE_RAIL, OVERLAP, WINDOW, Server, started

MOST_MEBIBYTES = 1024
_TOGETHER = 200  # streams that are opened at a time
_PROBES = 300
_GONE_SECONDS = 120
_SILENT_MODEL = {
    "silent_model.py": f"""
import anyio
from handrail import Chunk
from handrail.plugins import ProviderSpec, hookimpl


class Silent:
    def __init__(self, settings, context):
        pass

    async def stream(self, messages, params):
        for _ in range({2 * WINDOW}):
            yield Chunk(" word")
        await anyio.sleep_forever()


@hookimpl
def handrail_providers():
    yield ProviderSpec("silent", Silent)
""",
    "silent_model-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: silent-model\nVersion: 1\n",
    "silent_model-1.dist-info/entry_points.txt": "[handrail]\nsilent = silent_model\n",
}
_REQUEST = b'{"model": "idle", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'


@dataclass(frozen=True)
class Held:
    """What a server holds: MiB, and open files."""

    mebibytes: float
    descriptors: int

    @classmethod
    def by(cls, server: Server) -> Held:
        """Return what a server holds now."""
        return cls(server.mebibytes, len(list(Path(f"/proc/{server.pid}/fd").iterdir())))


async def keep_open(port: int, count: int) -> None:
    """Open streams, wait for the first text of each, say so, and hold them until this process is ended."""
    held: list[asyncio.StreamWriter] = []
    for begin in range(0, count, _TOGETHER):
        opening = (_open(port) for _ in range(min(_TOGETHER, count - begin)))
        held += await asyncio.gather(*opening)
    print(len(held), flush=True)
    await asyncio.Event().wait()


async def _open(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**12)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(_REQUEST) + _REQUEST)
    await reader.readuntil(b" word")
    return writer


async def probes(server: Server) -> list[float]:
    """Return how many milliseconds `/healthz` takes, asked again and again."""
    took = []
    for _ in range(_PROBES):
        began = time.perf_counter()
        await server.get("/healthz")
        took.append(1000 * (time.perf_counter() - began))
    return took


async def gone(server: Server, before: Held) -> Held:
    """Wait until a server has closed what its clients have left, and return what it holds then."""
    until = time.monotonic() + _GONE_SECONDS
    while (now := Held.by(server)).descriptors > before.descriptors and time.monotonic() < until:  # noqa: ASYNC110  # another process
        await asyncio.sleep(0.2)
    return now


async def measure(server: Server, count: int) -> tuple[list[list[str]], list[str]]:
    """Return the rows of the table, and what is wrong."""
    await server.get("/healthz")
    before, began = Held.by(server), time.perf_counter()
    command = (sys.executable, __file__, "--client", str(server.port), "--streams", str(count))
    client = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    if client.stdout is None or int(await client.stdout.readline() or 0) != count:
        raise SystemExit("the client could not open all streams")
    seconds, full = time.perf_counter() - began, Held.by(server)
    took = await probes(server)
    client.kill()
    await client.wait()
    after = await gone(server, before)
    each = 1024 * (full.mebibytes - before.mebibytes) / count
    rows = [
        ["memory before, MiB", f"{before.mebibytes:.0f}"],
        [f"memory with {count:,} open streams, MiB", f"{full.mebibytes:.0f}"],
        ["of it each stream, KiB", f"{each:.0f}"],
        ["streams opened in a second, up to their first text", f"{count / seconds:.0f}"],
        ["`/healthz` meanwhile, ms: median", f"{median(took):.1f}"],
        ["the same, 99th percentile", f"{quantiles(took, n=100)[-1]:.1f}"],
        ["files that stay open when all have left", f"{max(after.descriptors - before.descriptors, 0)}"],
    ]
    wrong = [f"{full.mebibytes:.0f} MiB are more than {MOST_MEBIBYTES}"] * (full.mebibytes > MOST_MEBIBYTES)
    return rows, wrong + ["files stay open"] * (after.descriptors > before.descriptors)


def main() -> None:
    """Start a server, measure, end it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--client", type=int, help="be the client of a server at this port")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    if chosen.client is not None:
        asyncio.run(keep_open(chosen.client, chosen.streams))
    limits = {"concurrency": 2 * chosen.streams, "connections": 2 * chosen.streams, "request_seconds": 3600}
    streaming = {"enabled": True, "chunk_size": WINDOW, "context_size": OVERLAP}
    model = {"type": "main", "engine": "silent", "model": "m"}
    values = {"models": [model], "rails": {"output": {"flows": ["free"], "streaming": streaming}}}
    with started() as processes:
        installed = processes.folder("installed", {**FREE_RAIL, **_SILENT_MODEL})
        folder = processes.folder("idle", {"config.yml": values})
        settings = processes.folder("settings", {"server.yml": {"limits": limits, "playground": False}})
        options = ("--settings", f"{settings}/server.yml", "--port", "0")
        command = ("-m", "handrail_cli.app", "server", folder, *options)
        server = processes.start("Handrail", *command, PYTHONPATH=installed)
        rows, wrong = asyncio.run(measure(server, chosen.streams))
    text = f"Measured on {machine()}.\n\n{table(['', 'Handrail, a free rail'], rows)}"
    print(text)
    if chosen.write:
        write_part("server-idle", text)
    if wrong:
        raise SystemExit("; ".join(wrong))


if __name__ == "__main__":
    main()
