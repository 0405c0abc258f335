"""Keeps a server busy with clients and an upstream of every kind, and fails if something grows: `python tests/soak`.

Everything runs on 127.0.0.1. A first part warms up what is kept (pools, caches, threads); then the server is left alone
until it is quiet, and measured. The same is done at the end, and nothing may have grown: memory, descriptors, tasks,
connections to the upstream. Before memory is measured, the allocator gives back what is free: it keeps as much as was
once in use, which is between 40 and 60 MiB here and differs from one minute to the next.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parent))

from clients import CONFIGURATIONS, Clients
from handrail_server._keys import entry_of, new_key
from upstream import PHRASE, QUOTED, SECRET

HERE = Path(__file__).parent
WARM_UP = 0.25  # of the time
QUIET_SECONDS = 30
MEMORY_ABOVE = 8 * 2**20  # how many bytes more may be held: pages that are used in part are not given back
CONNECTIONS = 4  # more or fewer that a pool may keep
LIMITS = {"head_seconds": 2, "idle_seconds": 5, "request_seconds": 5, "threads": 30, "thread_bytes": 2**21}


@dataclass(frozen=True)
class Measured:
    """What a server holds."""

    memory: int
    descriptors: int
    tasks: int
    upstream: int
    streams: int

    def __str__(self) -> str:
        return (
            f"{self.memory / 2**20:7.1f} MiB, {self.descriptors:4} descriptors, {self.tasks:4} tasks, "
            f"{self.upstream:3} connections upstream, {self.streams:3} streams"
        )


class Rig:
    """An upstream and a server, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = (folder / "log").open("wb")
        self._upstream = subprocess.Popen([sys.executable, HERE / "upstream.py"], stdout=subprocess.PIPE, text=True)
        self.upstream_port = int(self._upstream.stdout.readline())  # type: ignore[union-attr]  # a pipe
        self.key, hashed = new_key()
        may_read_numbers = "    metrics: true\n"
        (folder / "keys.yml").write_text(entry_of("soak", hashed).rstrip() + "\n" + may_read_numbers, encoding="utf-8")
        configs = folder / "configs"
        for name in CONFIGURATIONS:
            (configs / name).mkdir(parents=True)
            (configs / name / "config.yml").write_text(json.dumps(self._configuration(name)), encoding="utf-8")
        settings = {"config": str(configs), "port": 0, "keys": str(folder / "keys.yml"), "limits": LIMITS}
        (folder / "server.yml").write_text(json.dumps(settings), encoding="utf-8")
        command = [sys.executable, HERE / "served.py", folder / "server.yml"]
        self._server = subprocess.Popen(command, stderr=self.log)
        self.port = self._listening(folder / "log")

    def measure(self) -> Measured:
        """Measure the server."""
        process = Path(f"/proc/{self._server.pid}")
        tasks = int(self._get(self.port, "/soak"))  # first, for it frees what nobody needs
        memory = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text(encoding="ascii"))
        return Measured(
            int(memory[1]) * 1024 if memory else 0,
            len(list((process / "fd").iterdir())),
            tasks,
            int(self._get(self.upstream_port, "/open")),
            int(float(self._series("handrail_streams_open"))),
        )

    def ends(self) -> bool:
        """Return whether the server has ended, which it must not."""
        return self._server.poll() is not None

    def close(self) -> None:
        """End both."""
        for process in (self._server, self._upstream):
            process.terminate()
        for process in (self._server, self._upstream):
            process.wait(60)
        self.log.close()

    def _series(self, name: str) -> str:
        return re.search(rf"^{name} (\S+)", self._get(self.port, "/metrics"), re.MULTILINE)[1]  # type: ignore[index]

    def _get(self, port: int, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}", "Connection": "close"})
        found = connection.getresponse().read().decode()
        connection.close()
        return found

    def _listening(self, log: Path) -> int:
        for _ in range(600):
            if found := re.search(r"listening at http://\S+:(\d+)", log.read_text(encoding="utf-8")):
                return int(found[1])
            time.sleep(0.1)
        raise SystemExit(log.read_text(encoding="utf-8"))

    def _configuration(self, name: str) -> dict[str, object]:
        parameters = {"base_url": f"http://127.0.0.1:{self.upstream_port}/v1", "api_key": "k", "chunk_timeout": 2}
        main = {"type": "main", "engine": "openai", "model": "m", "parameters": {**parameters, "max_retries": 1}}
        judge = {**main, "type": "self_check_output", "model": "judge"}
        flows = {"plain": [], "masked": ["personal data check", "phrase check"], "judged": ["self check output"]}[name]
        return {
            "models": [main, judge],
            "prompts": [{"task": "self_check_output", "content": "Block? {{ bot_response }}"}],
            "rails": {
                "output": {"flows": flows, "streaming": {"enabled": True}},
                "config": {"phrase check": {"phrases": [PHRASE]}} if name == "masked" else {},
            },
        }


def quiet(rig: Rig) -> Measured:
    """Wait until nothing changes any more, and measure."""
    before = rig.measure()
    for _ in range(QUIET_SECONDS):
        time.sleep(1)
        now = rig.measure()
        if now.streams == 0 and (now.tasks, now.descriptors, now.upstream) == (
            before.tasks,
            before.descriptors,
            before.upstream,
        ):
            break
        before = now
    return now


def grown(before: Measured, after: Measured) -> list[str]:
    """Return what has grown."""
    more = {
        "memory": after.memory > before.memory + MEMORY_ABOVE,
        "descriptors": after.descriptors > before.descriptors + CONNECTIONS,
        "tasks": after.tasks > before.tasks,
        "connections upstream": after.upstream > before.upstream + CONNECTIONS,
        "streams": after.streams > 0,
    }
    return [name for name, has_grown in more.items() if has_grown]


def soak(rig: Rig, seconds: float, count: int, log: Path) -> list[str]:
    """Run; return what is wrong."""
    measured = []
    clients = Clients(rig.port, rig.key, seed=1)
    for part in (WARM_UP, 1 - WARM_UP):
        began = time.monotonic()
        asyncio.run(clients.run(count, seconds * part, QUOTED.encode()))
        measured.append(quiet(rig))
        print(f"after {time.monotonic() - began:4.0f} s: {measured[-1]}", flush=True)
    print("answers:", dict(sorted(clients.statuses.items())))
    middle, slow = (quantiles(clients.health, n=100)[at] for at in (49, 98))
    print(f"/healthz meanwhile: {middle:.1f} ms in the median, {slow:.1f} ms at the 99th percentile")
    wrong = [f"{name} has grown" for name in grown(*measured)]
    text = log.read_text(encoding="utf-8", errors="replace")
    wrong += [f"the log has {word!r}" for word in ("Traceback", SECRET, QUOTED, PHRASE) if word in text]
    wrong += ["the server has ended"] * rig.ends() + ["an error quotes an upstream"] * bool(clients.quoting)
    return wrong + [f"{clients.statuses['500']} answers of the status 500"] * bool(clients.statuses["500"])


def main() -> None:
    """Run the soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long clients ask, in all (default: 600)")
    parser.add_argument("--clients", type=int, default=32, help="clients at once (default: 32)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        rig = Rig(Path(folder))
        try:
            wrong = soak(rig, chosen.seconds, chosen.clients, Path(folder) / "log")
        finally:
            rig.close()
        if wrong:
            lines = (Path(folder) / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            print("\n".join([line for line in lines if "handrail.access" not in line][-80:]))
    print("\n".join(wrong) or "nothing has grown")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
