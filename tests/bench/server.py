"""Measure the server against a bare relay of the same upstream, on loopback, in one run.

    python tests/bench/server.py [--tokens 2000] [--quick]

Prints a table. Processes: an upstream that speaks OpenAI's protocol, a Starlette relay that parses and re-serialises
every event, `handrail server` without rails and with a free rail, and this client, which is bounded in requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import yaml

HERE = Path(__file__).parent
TOKEN = b"word"


def body(tokens: int, pace: float) -> bytes:
    """Give a request; the upstream reads how much to say, and how fast, from the message."""
    content = f"{tokens} {pace}"
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": content}], "stream": True}).encode()


async def ask(port: int, tokens: int, pace: float = 0.0) -> tuple[float, float, int]:
    """Ask once; give seconds to the first text, seconds in all, and tokens."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    payload = body(tokens, pace)
    lines = ("POST /v1/chat/completions HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json")
    head = "\r\n".join((*lines, f"Content-Length: {len(payload)}", "Connection: close", "", ""))
    writer.write(head.encode() + payload)
    first, answer = 0.0, bytearray()
    while data := await reader.read(2**18):
        answer += data
        if not first and TOKEN in answer:
            first = time.perf_counter() - began
    count = answer.count(TOKEN)
    writer.close()
    if count != tokens:
        raise SystemExit(f"port {port}: {count} tokens of {tokens} came; the end: {bytes(answer[-300:])!r}")
    return first, time.perf_counter() - began, count


async def throughput(port: int, clients: int, tokens: int, rounds: int) -> float:
    """Give tokens per second of so many clients at once; the best of some rounds."""
    rates: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        answers = await asyncio.gather(*(ask(port, tokens) for _ in range(clients)))
        rates.append(sum(count for _, _, count in answers) / (time.perf_counter() - began))
    return max(rates)


async def first_text(port: int, clients: int, pace: float, tokens: int = 40) -> float:
    """Give the median seconds to the first text."""
    answers = await asyncio.gather(*(ask(port, tokens, pace) for _ in range(clients)))
    return median(first for first, _, _ in answers)


async def memory(port: int, pid: int, streams: int) -> float:
    """Give the MiB that a process holds while so many streams are open."""
    tasks = [asyncio.create_task(ask(port, 60, 0.1)) for _ in range(streams)]
    await asyncio.sleep(3)
    used = resident(pid)
    await asyncio.gather(*tasks)
    return used


def processor_seconds(pid: int) -> float:
    """Give what a process has used, which a busy machine disturbs less than rates."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Give the MiB that a process holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def start(*command: str) -> tuple[subprocess.Popen[str], int, float]:
    """Start a process that says where it listens; give it, its port, and the seconds it took."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return process, int(found[1]), time.perf_counter() - began
    raise SystemExit(f"{command} did not start")


def configuration(folder: Path, upstream: int, *, rail: bool) -> str:
    """Write a configuration over the upstream."""
    folder.mkdir()
    model = {"type": "main", "engine": "openai", "model": "m"}
    model["parameters"] = {"base_url": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}
    values: dict[str, object] = {"models": [model]}
    if rail:
        streaming = {"enabled": True, "chunk_size": 20, "context_size": 5, "first_chunk_size": 20}
        values["rails"] = {"output": {"flows": ["free"], "streaming": streaming}}
    (folder / "config.yml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(folder)


async def measure(servers: dict[str, tuple[int, int]], tokens: int, *, quick: bool) -> None:
    """Print the table."""
    rounds = 2 if quick else 4
    print(f"{'':<34}" + "".join(f"{name:>14}" for name in servers))
    for clients in (1, 16, 64):
        share = tokens if clients < 64 else tokens // 2
        rates, spent = {}, {}
        for name, (port, pid) in servers.items():
            before = processor_seconds(pid)
            rates[name] = await throughput(port, clients, share, rounds)
            spent[name] = (processor_seconds(pid) - before) / (rounds * share * clients)
        row(f"tokens per second, {clients} clients", rates, "{:,.0f}")
        row("  of the relay's", {name: rate / rates["relay"] for name, rate in rates.items()}, "{:.2f}")
        row("  µs of processor a token", {name: 1e6 * seconds for name, seconds in spent.items()}, "{:.1f}")
    for port, _ in servers.values():
        await first_text(port, 1, 0.0)
    firsts = {n: median([await first_text(p, 1, 0.0, 1) for _ in range(15)]) for n, (p, _) in servers.items()}
    row("first text, 1 client, ms", {name: 1000 * value for name, value in firsts.items()}, "{:.1f}")
    paced = {name: await first_text(port, 64, 0.02) for name, (port, _) in servers.items()}
    row("first text, 64 paced clients, ms", {name: 1000 * value for name, value in paced.items()}, "{:.0f}")
    streams = 100 if quick else 500
    held = {name: await memory(port, pid, streams) for name, (port, pid) in servers.items()}
    row(f"MiB with {streams} open streams", held, "{:.0f}")


def row(title: str, values: dict[str, float], form: str) -> None:
    """Print one line."""
    print(f"{title:<34}" + "".join(f"{form.format(value):>14}" for value in values.values()), flush=True)


def main() -> None:
    """Start everything, measure, end everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    started: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        try:
            upstream, upstream_port, _ = start(str(HERE / "server_peers.py"), "upstream")
            started.append(upstream)
            servers: dict[str, tuple[int, int]] = {}
            plain = configuration(root / "plain", upstream_port, rail=False)
            free = configuration(root / "free", upstream_port, rail=True)
            peers = str(HERE / "server_peers.py")
            for name, command in {
                "relay": (peers, "relay", str(upstream_port)),
                "handrail": ("-m", "handrail_cli.app", "server", plain, "--port", "0"),
                "with a rail": (peers, "guarded", free),
            }.items():
                process, port, seconds = start(*command)
                started.append(process)
                servers[name] = (port, process.pid)
                print(f"{name}: listening after {seconds:.2f} s")
            asyncio.run(measure(servers, arguments.tokens, quick=arguments.quick))
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
