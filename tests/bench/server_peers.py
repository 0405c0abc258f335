"""Measure Handrail's server against the servers of others, with the same upstream and a rail that allows everything.

    python tests/bench/server_peers.py [--rounds 3] [--write]

Each system is installed from a package index into an environment of its own below `.venvs`. All of them are asked in
turn, round by round, and compared within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from _document import machine, table, write_part
from _serving import OVERLAP, PROCESSES, WINDOW, Server, Started, handrail, model_at, started, throughput

sys.path.append(str(Path(__file__).parent / "peers"))  # environments of other systems are made there

from environments import QUIET, MissingError, System, make_environment, python_of, version_of  # noqa: E402

CLIENTS = 64
_OWN = f"Handrail has a window rail that allows everything, in windows of {WINDOW} tokens, overlap {OVERLAP}."

_FLOW = """
define flow free
  $allowed = execute free_check
  if not $allowed
    bot refuse to respond
    stop
"""
_ACTION = """
from nemoguardrails.actions import action
from nemoguardrails.actions.rail_outcome import RailOutcome


@action(name="free_check")
async def free_check(context=None, **others):
    return RailOutcome.allow()
"""
_GUARDRAIL = """
from litellm.integrations.custom_guardrail import CustomGuardrail


class Free(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return inputs
"""


@dataclass(frozen=True)
class Peer:
    """A server to measure.

    Attributes:
        title: its name in the table.
        system: where it is installed.
        process: its name among the processes.
        files: makes its configuration over an upstream.
        remark: what a reader must know of its rail.
        tokens: how long each answer is, so that a round takes seconds and not minutes.
        environment: variables.
    """

    title: str
    system: System
    process: str
    files: Callable[[Server], dict[str, object]]
    remark: str
    tokens: int = 1000
    environment: tuple[tuple[str, str], ...] = ()

    def start(self, processes: Started, upstream: Server) -> Server:
        """Start it over the upstream.

        Raises:
            MissingError: it cannot be installed.
        """
        make_environment(self.system)
        python = python_of(self.system)
        folder = processes.folder(self.process + str(len(self.title)), self.files(upstream))
        environment = {**QUIET, **dict(self.environment)}
        return processes.start(self.title, PROCESSES, self.process, folder, python=python, **environment)


def _nemo(upstream: Server, flow: str, **more: object) -> dict[str, object]:
    streaming = {"enabled": True, "chunk_size": WINDOW, "context_size": OVERLAP, "stream_first": False}
    rails = {"output": {"flows": [flow], "streaming": streaming}, **more}
    return {"config.yml": {"models": [model_at(upstream)], "rails": rails}}


def _nemo_action(upstream: Server) -> dict[str, object]:
    return {**_nemo(upstream, "free"), "rails.co": _FLOW, "actions.py": _ACTION}


def _nemo_regex(upstream: Server) -> dict[str, object]:
    return _nemo(upstream, "regex check output", config={"regex_detection": {"output": {"patterns": ["qqqzzz"]}}})


def _litellm(upstream: Server) -> dict[str, object]:
    at = {"model": "openai/m", "api_base": f"http://127.0.0.1:{upstream.port}/v1", "api_key": "none"}
    rail = {"guardrail": "free_rail.Free", "mode": "post_call", "default_on": True}
    config = {
        "model_list": [{"model_name": "m", "litellm_params": at}],
        "guardrails": [{"guardrail_name": "free", "litellm_params": rail}],
        "litellm_settings": {"telemetry": False},
    }
    return {"config.yaml": config, "free_rail.py": _GUARDRAIL}


_NEMO = System(
    "",
    "NeMo Guardrails' server",
    "nemoguardrails-server",
    ("nemoguardrails[server]>=0.24,<0.25", "httptools", "uvloop"),
    "nemoguardrails",
    "",
    "",
)
_LITELLM = System("", "LiteLLM's proxy", "litellm", ("litellm[proxy]>=1.106",), "litellm", "", "")
_ENGINE = "NEMO_GUARDRAILS_IORAILS_ENGINE"

PEERS = (
    Peer(
        "NeMo Guardrails' server, LLMRails",
        _NEMO,
        "nemoguardrails",
        _nemo_action,
        "an action that allows everything, the same windows",
        environment=((_ENGINE, "0"),),
    ),
    Peer(
        "NeMo Guardrails' server, IORails",
        _NEMO,
        "nemoguardrails",
        _nemo_regex,
        "one regular expression that never matches, the same windows",
        environment=((_ENGINE, "1"),),
    ),
    Peer(
        "LiteLLM's proxy",
        _LITELLM,
        "litellm",
        _litellm,
        "a hook that allows everything, over the whole text after every 5 tokens, as by default",
        tokens=100,
        environment=(("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true"),),  # none has a key here
    ),
)

Rates = dict[Peer, list[tuple[float, float]]]


async def measure(own: Server, servers: dict[Peer, Server], rounds: int) -> Rates:
    """Return tokens per second of Handrail and of each peer, for answers of the peer's length, in each round."""
    rates: Rates = {peer: [] for peer in servers}
    for server in (own, *servers.values()):
        await throughput(server, 4, 50)  # so that whatever is made at the first request is there
    for _ in range(rounds):
        for peer, server in servers.items():
            before, theirs, after = [(await throughput(each, CLIENTS, peer.tokens))[0] for each in (own, server, own)]
            rates[peer].append(((before + after) / 2, theirs))  # other work on the machine comes and goes meanwhile
            print(f"{peer.title}: {theirs:,.0f}; Handrail: {before:,.0f}, {after:,.0f}", file=sys.stderr, flush=True)
    return rates


def report(rates: Rates) -> str:
    """Return the table."""
    rows = []
    for peer, found in rates.items():
        ours, theirs = (median(column) for column in zip(*found, strict=True))
        times = median(mine / other for mine, other in found)
        version = version_of(peer.system)
        rows.append(
            [peer.title, version, f"{peer.tokens}", f"{theirs:,.0f}", f"{ours:,.0f}", f"{times:.1f}", peer.remark]
        )
    head = ["", "version", "tokens of an answer", "tokens per second", "Handrail's", "times as many", "its rail"]
    rounds = len(next(iter(rates.values())))
    what = f"{CLIENTS} clients at once, one process each, all with uvloop and httptools. Medians of {rounds} rounds."
    return f"Measured on {machine()}. {what} {_OWN}\n\n{table(head, rows)}"


def main() -> None:
    """Install, start and measure everything, and end it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    with started() as processes:
        upstream = processes.start("upstream", PROCESSES, "upstream")
        own = handrail(processes, upstream, "Handrail", guarded=True)
        servers: dict[Peer, Server] = {}
        for peer in PEERS:
            try:
                servers[peer] = peer.start(processes, upstream)
            except MissingError as exc:
                print(f"{peer.title}: not measured: {exc}", file=sys.stderr)
        text = report(asyncio.run(measure(own, servers, arguments.rounds)))
    print(text)
    if arguments.write:
        write_part("server-peers", text)


if __name__ == "__main__":
    main()
