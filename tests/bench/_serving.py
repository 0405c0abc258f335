"""What the benchmarks of servers share: processes that serve, and a client that asks them over loopback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

PROCESSES = str(Path(__file__).parent / "_server_processes.py")
WINDOW, OVERLAP = 20, 5
SHORT_WINDOWS = {"chunk_size": WINDOW, "context_size": OVERLAP, "first_chunk_size": WINDOW}
_TOKEN = b"word"
_START_SECONDS = 600  # under valgrind, or on a busy machine
_SERVER = ("-m", "handrail_cli.app", "server", "--port", "0")
_ADDRESS = re.compile(r"(?:http://|listening at )127\.0\.0\.1:(\d+)")

FREE_RAIL = {  # as an installed package
    "free_rail.py": """
from handrail import Verdict
from handrail.plugins import RailSpec, hookimpl


class Free:
    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return Verdict.allow()


@hookimpl
def handrail_rails():
    yield RailSpec("free", Free)
""",
    "free_rail-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: free-rail\nVersion: 1\n",
    "free_rail-1.dist-info/entry_points.txt": "[handrail]\nfree = free_rail\n",
}


@dataclass(frozen=True)
class Answer:
    """What came of one request.

    Attributes:
        first: seconds to the first text.
        total: seconds in all.
        tokens: how many came.
    """

    first: float
    total: float
    tokens: int


@dataclass(frozen=True)
class Server:
    """A process that serves.

    Attributes:
        name: for tables.
        pid, port: where it is.
        seconds: until it was listening, and of them those of the processor.
    """

    name: str
    pid: int
    port: int
    seconds: tuple[float, float]

    @property
    def processor(self) -> float:
        """Seconds of the processor that it has used."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9

    @property
    def mebibytes(self) -> float:
        """What it holds in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    async def ask(self, tokens: int, pace: float = 0.0, *, leave_after: int | None = None, noted: int = 1) -> Answer:
        """Ask for so many tokens, with so many seconds between them; leave after some of them, or read all.

        The first text is `noted` tokens, so that one who releases as many at once can be compared.
        """
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        writer.write(_request(tokens, pace))
        answer, first = bytearray(), 0.0
        while data := await reader.read(2**18):
            answer += data
            if not first and answer.count(_TOKEN) >= noted:
                first = time.perf_counter() - began
            if leave_after is not None and answer.count(_TOKEN) >= leave_after:
                break
        writer.close()
        count = answer.count(_TOKEN)
        if leave_after is None and count != tokens:
            raise SystemExit(f"{self.name}: {count} tokens of {tokens} came; the end: {bytes(answer[-300:])!r}")
        return Answer(first, time.perf_counter() - began, count)

    async def get(self, path: str) -> object:
        """Get a JSON document."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        found = json.loads(await reader.readexactly(int(re.findall(rb"(?i)content-length: (\d+)", head)[0])))
        writer.close()
        return found


class Started:
    """Processes, and a folder for their configurations; all are ended together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *command: str, python: Path | None = None, **environment: str) -> Server:
        """Start a process and wait until it says where it listens."""
        log = self._folder / f"{len(self._processes)}.log"
        began = time.perf_counter()
        with log.open("wb") as output:  # a file and no pipe: nobody reads it while servers write to it
            process = subprocess.Popen(
                [str(python or sys.executable), *command],
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._processes.append(process)
        while time.perf_counter() - began < _START_SECONDS and process.poll() is None:
            if found := _ADDRESS.findall(log.read_text(encoding="utf-8", errors="replace")):
                made = Server(name, process.pid, int(found[-1]), (0, 0))
                return Server(name, made.pid, made.port, (time.perf_counter() - began, made.processor))
            time.sleep(0.005)
        raise SystemExit(f"{name} did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")

    def folder(self, name: str, files: Mapping[str, object]) -> str:
        """Make a folder with files: text, or values for YAML."""
        made = self._folder / name
        made.mkdir(exist_ok=True)
        for file, value in files.items():
            text = value if isinstance(value, str) else yaml.safe_dump(value)
            (made / file).parent.mkdir(exist_ok=True)
            (made / file).write_text(text, encoding="utf-8")
        return str(made)

    def end(self) -> None:
        """End every process, with those that it has started."""
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def started() -> Iterator[Started]:
    """Yield what starts processes; they end with the block, and with this program."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        made = Started(Path(folder))
        try:
            yield made
        finally:
            made.end()


def handrail(processes: Started, upstream: Server, name: str, *, guarded: bool) -> Server:
    """Start `handrail server` over the upstream, with a rail that allows everything or without rails."""
    if guarded:
        return free_rail_server(processes, upstream, name)
    folder = processes.folder(name, {"config.yml": {"models": [model_at(upstream)]}})
    return processes.start(name, *_SERVER, folder)


def free_rail_server(
    processes: Started,
    upstream: Server,
    name: str,
    *,
    installed: Mapping[str, object] = FREE_RAIL,
    observers: Mapping[str, object] | None = None,
    windows: Mapping[str, int] = SHORT_WINDOWS,
    python: Path | None = None,
) -> Server:
    """Start `handrail server` over the upstream, with a rail that allows everything, and observers if need be."""
    rails = {"output": {"flows": ["free"], "streaming": {"enabled": True, **windows}}}
    values = {"models": [model_at(upstream)], "rails": rails, "observers": observers or {}}
    folder = processes.folder(name, {"config.yml": values})
    path = processes.folder(f"{name} installed", installed)
    return processes.start(name, *_SERVER, folder, python=python, PYTHONPATH=path)


def model_at(upstream: Server) -> dict[str, object]:
    """Return the model of a configuration: the upstream."""
    parameters = {"base_url": f"http://127.0.0.1:{upstream.port}/v1", "api_key": "none"}
    return {"type": "main", "engine": "openai", "model": "m", "parameters": parameters}


async def throughput(server: Server, clients: int, tokens: int) -> tuple[float, float]:
    """Return tokens per second of so many clients at once, and microseconds of the server's processor for each."""
    spent, began = server.processor, time.perf_counter()
    await asyncio.gather(*(server.ask(tokens) for _ in range(clients)))
    seconds = time.perf_counter() - began
    return clients * tokens / seconds, 1e6 * (server.processor - spent) / (clients * tokens)


def _request(tokens: int, pace: float) -> bytes:
    message = {"role": "user", "content": f"say {tokens} words every {pace} s"}  # which the upstream does
    body = json.dumps({"model": "m", "messages": [message], "stream": True}).encode()
    lines = ("POST /v1/chat/completions HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json")
    return "\r\n".join((*lines, f"Content-Length: {len(body)}", "Connection: close", "", "")).encode() + body
