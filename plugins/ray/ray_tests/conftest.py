"""One Ray cluster for all tests, started once, and streams through it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
import pytest
from clusters import BIN, RAILS_FOLDER, STEADY, WORDS, Cluster, free_port
from handrail import TextDelta
from handrail_ray._cluster import joined
from handrail_ray._command import deploy as deploy_command


@pytest.fixture(scope="session")
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="hr-"))  # Ray's sockets need a short path
    found = Cluster(folder / "ray")
    os.environ.update({key: found.environment[key] for key in ("RAY_ADDRESS", "PYTHONPATH", "RAY_USAGE_STATS_ENABLED")})
    sys.path.insert(0, str(RAILS_FOLDER))
    try:
        found.start()
        joined(None).start(http_options={"port": found.http})  # as `serve start`, in a process that imports Ray anyway
        deploy(found.written(*STEADY))
        yield found
    finally:
        import ray

        ray.shutdown()
        found.kill()
        shutil.rmtree(folder, ignore_errors=True)


def deploy(folder):
    """Deploy a configuration as the command does, from this process, which has imported Ray already."""
    assert deploy_command(folder) == 0


def rail_of(rails):
    (plan,) = rails.composition.output_rails
    return plan.rail


async def stream(rails, generator=None, begun=None):
    """Return how a stream ended, what was delivered, and the reason or the error; call `begun` at its first text."""
    async with rails.stream("hello", generator=generator) as running:
        async for event in running:
            last = event
            if begun is not None and isinstance(event, TextDelta):
                begun()
                begun = None
    return running.response.outcome, running.response.text, getattr(last, "error", getattr(last, "reason", ""))


async def halves(text, event):
    """Yield half of a text, and the rest once something has happened."""
    middle = text.index(" ", len(text) // 2)
    yield text[:middle]
    await event.wait()
    yield text[middle:]


async def streams_while(several, do, text=WORDS):
    """Run a stream with each of several rails, do something in the middle of them all, and return how they ended.

    What is done is given an event, which has their models write the other half; it is set at the latest after it.
    """
    ended, begun, go_on = [], [], anyio.Event()

    async def guarded(rails):
        ended.append(await stream(rails, halves(text, go_on), partial(begun.append, rails)))

    with anyio.fail_after(150):
        async with anyio.create_task_group() as group:
            for rails in several:
                group.start_soon(guarded, rails)
            await until(lambda: len(begun) == len(several))
            await do(go_on)
            go_on.set()
    assert all(text.startswith(delivered) for _, delivered, _ in ended)
    return ended


async def meanwhile(function, *arguments):
    return await anyio.to_thread.run_sync(partial(function, *arguments))


async def until(condition, seconds=120):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        await anyio.sleep(0.02)


@contextmanager
def serving(cluster, config, **options):
    """Run a server with a configuration, and yield its port."""
    port = free_port()
    command = [BIN / "handrail", "server", "--config", config, "--port", str(port)]
    log = cluster.folder.parent / f"server-{port}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, env=cluster.environment, stderr=errors, **options) as server,
    ):
        try:
            _wait_for(port, server, log)
            yield port
            server.terminate()
            server.wait(timeout=60)
        finally:
            server.kill()


def _wait_for(port, process, log):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with suppress(httpx2.HTTPError):
            if httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not begin to listen")


def ask(port, model, question="hello"):
    """Return what a server delivers, and the type of the error that it ends with, if it does."""
    body = {"model": model, "messages": [{"role": "user", "content": question}], "stream": True}
    response = httpx2.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=60)
    if response.status_code != 200:
        return "", response.json()["error"]["type"]
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    errors = [event["error"]["type"] for event in events if "error" in event]
    delivered = (choice["delta"].get("content") or "" for event in events for choice in event.get("choices", ()))
    return "".join(delivered), next(iter(errors), None)
