"""A Ray cluster on this machine: its head, Serve in it, and configurations whose rails are placed there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

from handrail import LLMRails, RailsConfig

RAILS_FOLDER = Path(__file__).parent / "rails"
BIN = Path(sys.executable).parent
WORDS = " ".join(f"w{number}" for number in range(60))
STREAMING = {"enabled": True, "chunk_size": 20, "first_chunk_size": 8, "context_size": 4, "hold_size": 4}

# Where rails are deployed. The tests kill, update and delete the application "mortal", and nothing of "steady".
PLACES = {
    "judge": {"app": "steady", "replicas": 2, "batch": 1},
    "one judge": {"app": "steady", "batch": 1, "max_queued": 8},
    "batches": {"app": "steady", "batch": 64, "wait_ms": 5},
    "counter": {"app": "steady", "replicas": 2},
    "mortal judge": {"app": "mortal", "batch": 4},
}
STEADY = [flow for flow, place in PLACES.items() if place["app"] == "steady"]


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return one.getsockname()[1]


class Cluster:
    """A head on this machine."""

    def __init__(self, folder):
        self.folder = folder
        self.checks = folder.parent / "checks"  # a file for each check that a mortal judge is at
        self.checks.mkdir()
        self.port, self.http = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(RAILS_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "RAY_ADDRESS": f"127.0.0.1:{self.port}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_agent_register_timeout_ms": "120000",
        }

    def start(self):
        """Start the head, without what no test needs."""
        needless = ("--include-dashboard=false", "--include-log-monitor=false", "--no-monitor", "--disable-usage-stats")
        agents = ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent", "metrics-export")
        # A port that is not given is waited for, and on a busy machine in vain: for 15 s, whatever is configured.
        ports = [f"--{name}-port={free_port()}" for name in (*agents, "ray-client-server")]
        head = ["ray", "start", "--head", "--num-cpus=16", f"--port={self.port}", f"--temp-dir={self.folder}"]
        environment = {key: value for key, value in self.environment.items() if key != "RAY_ADDRESS"}
        self.run(*head, *needless, *ports, environment=environment, tries=3)

    def processes(self):
        """Return the title of each process of the cluster, by id."""
        titles, parents = {}, {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                titles[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        marks = (str(self.folder), f":{self.port} ")  # one of them is in every command line
        ours = {pid for pid, title in titles.items() if pid != os.getpid() and any(mark in title for mark in marks)}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return {pid: titles[pid] for pid in ours}

    def kill(self):
        """Kill the head and all that belongs to it, as a machine that is lost."""
        for pid in self.processes():
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

    def content(self, *flows, text=WORDS, pace=1000, http=False, placed=True, **settings):
        """Return a configuration whose model answers with a text, so many tokens a second."""
        sections = {flow: {"timeout": 60, "seconds": 0.1, **settings} for flow in flows}
        for flow in flows if placed else ():
            address = {"address": self.url} if http else {}
            sections[flow]["place"] = {"ray": {"cpus": 0.1, **PLACES[flow], **address}}
        model = {"tokens_per_second": pace, "answers": [{"text": text}]}
        return {
            "models": [{"type": "main", "engine": "scripted", "parameters": model}],
            "rails": {"output": {"flows": list(flows), "streaming": STREAMING}, "config": sections},
        }

    def rails(self, *flows, **options):
        """Return the rails of a configuration of this process."""
        return LLMRails(RailsConfig.from_content(config=self.content(*flows, **options)))

    def written(self, *flows, **options):
        """Write a configuration, and return its folder."""
        folder = self.folder.parent / f"config-{len([*self.folder.parent.iterdir()])}"
        folder.mkdir()
        (folder / "config.yml").write_text(json.dumps(self.content(*flows, **options)))
        return folder

    def actors(self, *names):
        """Return the processes of actors whose names begin so, such as those of the replicas of an application."""
        wanted = tuple(f"ray::{name}" for name in names)
        return {pid for pid, title in self.processes().items() if title.startswith(wanted)}
