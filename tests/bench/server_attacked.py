"""Measure how long `/healthz` takes while the server is attacked: one kind of attack after the other.

    python tests/bench/server_attacked.py [--seconds 4] [--write]

The attackers are a process of their own. Their bodies are those of the server's tests and of its soak, and the largest
that its limits let in. It fails if the 99th percentile of all answers of `/healthz` is above 50 ms, or the server ends.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles

from _document import machine, table, write_part
from _serving import PROCESSES, Server, model_at, started

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # before this folder, which has a `dialects`, too
sys.path.append(str(Path(__file__).parents[1] / "soak"))
sys.path.append(str(Path(__file__).parents[2] / "plugins" / "server" / "tests"))

from clients import GARBAGE
from test_dialect_hostile import PLACES, WRONG, places, put

MOST_MILLISECONDS = 50
ATTACKERS = 4
_PAUSE = 0.02
_LARGE = 3_000_000  # bytes; a request may have four million
_TEXTS = ("_", "4111-", "a@b.c ", "日", "x" * 999 + " ")
_CHAT = "/v1/chat/completions"

Attack = Iterator[bytes]


def request(path: str, body: bytes) -> bytes:
    """Return a request as it is sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def said(*texts: str, words: int = 5, **more: object) -> bytes:
    """Return a request of Chat Completions with these messages of a user, for an answer of so many words."""
    messages = [{"role": "user", "content": text} for text in (*texts, f"say {words} words every 0 s")]
    return request(_CHAT, json.dumps({"messages": messages, **more}, ensure_ascii=False).encode())


def wrong_types() -> Attack:
    """Yield bodies of each dialect with a value of a wrong type at one place, and no other."""
    for path, good in PLACES.items():
        for place, wrong in itertools.product(places(good), WRONG):
            yield request(path, json.dumps(put(good, place, wrong)).encode())


def attacks() -> dict[str, list[bytes]]:
    """Return requests by the kind of attack."""
    broken = [b"[" * 10_000, b"[" * _LARGE, b'{"a":' * 100_000, b'{"messages": "' + b"x" * _LARGE]
    fields = [{f"k{n}": n for n in range(200_000)}, {"k" * 1_000_000: 1}]
    return {
        "no HTTP, or half of it": [*GARBAGE, b"POST / HTTP/1.1\r\nHost: 127"],
        "values of wrong types": list(wrong_types()),
        "JSON that is not valid": [request(_CHAT, body) for body in broken],
        "many fields, and long names": [request(_CHAT, json.dumps(wrong).encode()) for wrong in fields],
        "one long text": [said(text * (_LARGE // len(text.encode()))) for text in _TEXTS],
        "many messages": [said(*["a"] * 900), said(*["4111 1111 1111 1111 " * 100] * 900)],
        "long answers": [said(stream=stream, words=20_000) for stream in (True, False)],
    }


async def attack(port: int, kind: str) -> None:
    """Attack, from several tasks, until this process is ended."""
    turns = itertools.cycle(attacks()[kind])
    print("ready", flush=True)
    await asyncio.gather(*(_attack(port, turns) for _ in range(ATTACKERS)))


async def _attack(port: int, turns: Iterator[bytes]) -> None:
    for sent in turns:
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            async with asyncio.timeout(1 if len(sent) < 100 else 30):
                while await reader.read(2**16):
                    pass
            writer.transport.abort()


async def probed(server: Server, seconds: float) -> list[float]:
    """Return how many milliseconds `/healthz` takes, asked again and again."""
    took, until = [], time.monotonic() + seconds
    while len(took) < 2 or time.monotonic() < until:
        await asyncio.sleep(_PAUSE)
        began = time.perf_counter()
        await server.get("/healthz")
        took.append(1000 * (time.perf_counter() - began))
    return took


async def measure(server: Server, seconds: float) -> dict[str, list[float]]:
    """Return what `/healthz` takes by the kind of attack, without any first."""
    found = {"none": await probed(server, seconds)}
    for kind in attacks():
        command = (sys.executable, __file__, "--port", str(server.port), "--attack", kind)
        attacker = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        if attacker.stdout is None or not await attacker.stdout.readline():
            raise SystemExit("the attackers could not begin")
        found[kind] = await probed(server, seconds)
        attacker.kill()
        await attacker.wait()
        print(*_row(kind, found[kind]), sep="  ", flush=True)
    return found


def _row(kind: str, took: list[float]) -> list[str]:
    return [kind, f"{median(took):.1f}", f"{_slow(took):.1f}", f"{max(took):.1f}"]


def _slow(took: list[float]) -> float:
    return quantiles(took, n=100, method="inclusive")[-1]


def serve(processes, upstream: Server) -> Server:
    """Start a server with rails that read what is asked and answered."""
    rails = {
        "input": {"flows": ["personal data check", "phrase check"]},
        "output": {"flows": ["personal data check"], "streaming": {"enabled": True}},
        "config": {"phrase check": {"phrases": ["bleach and ammonia"], "action": "block"}},
    }
    folder = processes.folder("attacked", {"config.yml": {"models": [model_at(upstream)], "rails": rails}})
    return processes.start("Handrail", "-m", "handrail_cli.app", "server", folder, "--port", "0")


def main() -> None:
    """Start everything, measure, end everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4, help="for each kind of attack")
    parser.add_argument("--port", type=int, help="attack a server at this port")
    parser.add_argument("--attack", help="in this way")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    if chosen.port is not None:
        asyncio.run(attack(chosen.port, chosen.attack))
    with started() as processes:
        server = serve(processes, processes.start("upstream", PROCESSES, "upstream"))
        found = asyncio.run(measure(server, chosen.seconds))
    everything = [one for kind, took in found.items() for one in took if kind != "none"]
    rows = [_row(kind, took) for kind, took in found.items()] + [_row("all of them", everything)]
    text = f"Measured on {machine()}.\n\n{table(['attack', 'median, ms', '99th percentile, ms', 'longest, ms'], rows)}"
    print(text)
    if chosen.write:
        write_part("server-attacked", text)
    if (slow := _slow(everything)) > MOST_MILLISECONDS:
        raise SystemExit(f"the 99th percentile, {slow:.0f} ms, is above {MOST_MILLISECONDS} ms")


if __name__ == "__main__":
    main()
