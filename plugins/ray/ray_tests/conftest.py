"""One Ray cluster for all tests, started once, with an application of rails that wait."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from handrail import LLMRails, RailsConfig
from handrail_ray._bundle import Bundle
from handrail_ray._serving import built, placed_rails

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
WORDS = " ".join(f"w{number}" for number in range(60))

CONFIG = """
models:
  - type: main
    engine: scripted
    parameters:
      tokens_per_second: {pace}
      answers:
        - {{text: "{text}"}}
rails:
  output:
    flows: {flows}
    streaming: {{enabled: true, chunk_size: 20, first_chunk_size: 8, context_size: 4, hold_size: 4}}
  config:
    judge: {{seconds: 0.1, timeout: 60, word: {word}, place: {{ray: {{replicas: 2, batch: 1, {place}}}}}}}
    one judge: {{seconds: 0.1, place: {{ray: {{replicas: 1, batch: 1, max_queued: 8, {place}}}}}}}
    lost judge: {{seconds: 0.1, timeout: 3, place: {{ray: {{app: lost, {place}}}}}}}
    batches: {{place: {{ray: {{batch: 64, wait_ms: 5, {place}}}}}}}
    counter: {{place: {{ray: {{replicas: 2, {place}}}}}}}
"""
PLACED = "[judge, one judge, batches, counter]"


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return one.getsockname()[1]


def processes(folder):
    """Return the title of each process of the cluster whose files are in a folder, by id."""
    titles, parents = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            titles[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
    ours = {pid for pid, title in titles.items() if str(folder) in title and pid != os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return {pid: titles[pid] for pid in ours}


class Cluster:
    """A head on this machine, and Serve in it."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.http = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        paths = [str(HERE / "rails"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "RAY_ADDRESS": f"127.0.0.1:{self.port}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_agent_register_timeout_ms": "120000",
        }

    def start(self):
        head = ["ray", "start", "--head", "--num-cpus", "16", "--include-dashboard", "false", "--disable-usage-stats"]
        agents = ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent", "metrics-export")
        # A port that is not given is waited for, and on a busy machine in vain: for 15 s, whatever is configured.
        client = f"--ray-client-server-port={free_port()}"
        ports = [f"--port={self.port}", client, *(f"--{name}-port={free_port()}" for name in agents)]
        environment = {key: value for key, value in self.environment.items() if key != "RAY_ADDRESS"}
        self.run(*head, *ports, f"--temp-dir={self.folder}", environment=environment, tries=3)
        self.run("serve", "start", f"--http-port={self.http}")

    def kill(self):
        """Kill the head and all that belongs to it, as a machine that is lost."""
        for pid in processes(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def run(self, *command, environment=None, tries=1):
        """Run a command, and return what it writes; Ray gives up to start after 30 s, however busy the machine is."""
        program, *arguments = command
        done = subprocess.run(
            [BIN / program, *arguments],
            env=environment or self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0 and tries > 1:
            self.kill()
            return self.run(*command, environment=environment, tries=tries - 1)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def config(self, flows, text=WORDS, *, http=False, pace=100, word="bad", app=None):
        """Write a configuration, and return its folder."""
        place = "cpus: 0.1" + (f", address: '{self.url}'" if http else "")
        content = CONFIG.format(flows=flows, text=text, pace=pace, word=word, place=place)
        folder = self.folder.parent / f"config-{len([*self.folder.parent.iterdir()])}"
        folder.mkdir()
        (folder / "config.yml").write_text(content)
        return folder

    def rails(self, flows, text=WORDS, **options):
        return LLMRails(RailsConfig.from_path(self.config(flows, text, **options)))

    def replicas(self, flow):
        """Return the processes of a rail's replicas."""
        wanted = f"ray::ServeReplica:handrail:output-{flow}-"
        return [pid for pid, title in processes(self.folder).items() if title.startswith(wanted)]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="hr-"))  # Ray's sockets need a short path
    found = Cluster(folder / "ray")
    os.environ.update({key: found.environment[key] for key in ("RAY_ADDRESS", "PYTHONPATH", "RAY_USAGE_STATS_ENABLED")})
    sys.path.insert(0, str(HERE / "rails"))
    try:
        found.start()
        found.run("handrail", "ray", "deploy", str(found.config(PLACED)))
        yield found
    finally:
        import ray

        ray.shutdown()
        found.kill()
        shutil.rmtree(folder, ignore_errors=True)


async def stream(rails, message="hello"):
    """Return how a stream ended, and what was delivered."""
    async with rails.stream(message) as running:
        events = [event async for event in running]
    last = events[-1]
    return running.response.outcome, running.response.text, getattr(last, "error", getattr(last, "reason", ""))


def deploy(folder):
    """Deploy a configuration from this process, and wait until it judges."""
    from ray import serve

    rails = placed_rails(RailsConfig.from_path(folder))
    name = rails[0].settings.app
    serve.run(built(Bundle.of(folder), rails), name=name, route_prefix=f"/{name}")


async def meanwhile(function, *arguments):
    return await anyio.to_thread.run_sync(partial(function, *arguments))


async def until(condition, seconds=60):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        await anyio.sleep(0.05)
