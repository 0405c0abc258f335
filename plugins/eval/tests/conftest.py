"""What the tests of an evaluation share: a folder with a configuration, and rails without a network."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import anyio
import pytest
from handrail import RailsConfig, Registry
from handrail_eval._engine import Settings, _judge_at_once
from handrail_eval._metered import MeteredRails
from handrail_eval._rows import Row
from handrail_testkit import VirtualLoop
from trio.testing import MockClock

_SPEC = importlib.util.spec_from_file_location("eval_strangers", Path(__file__).with_name("strangers.py"))
STRANGERS = importlib.util.module_from_spec(_SPEC)
sys.modules["eval_strangers"] = STRANGERS
_SPEC.loader.exec_module(STRANGERS)


def yaml(*flows: str, hold: int = 8, chunk: int = 24, context: int = 8) -> str:
    """Return a configuration."""
    return (
        f"rails: {{output: {{flows: [{', '.join(flows)}], parallel: true, streaming: {{enabled: true, "
        f"chunk_size: {chunk}, context_size: {context}, hold_size: {hold}}}}}}}"
    )


@pytest.fixture
def evaluated():
    """A function that judges rows by a configuration, and returns the records."""

    def evaluate(config, rows, *, backend="asyncio", cache=None, at_once=4, ask_all=False, **settings):
        registry = Registry.discover().with_plugins(STRANGERS.Plugin())
        found = []

        async def run():
            loaded = RailsConfig.from_content(yaml_content=config)
            async with MeteredRails(loaded, registry=registry, at_once=at_once, cache=cache, ask_all=ask_all) as rails:
                chosen = Settings(**{"concurrency": 4, **settings})
                await _judge_at_once(rails, iter(rows), chosen, lambda *record: found.append(record))

        clock = {"loop_factory": VirtualLoop} if backend == "asyncio" else {"clock": MockClock(autojump_threshold=0)}
        anyio.run(run, backend=backend, backend_options=clock)
        return found

    return evaluate


@pytest.fixture
def row():
    """A function that makes rows."""
    count = iter(range(10_000))

    def make(response, **fields):
        index = next(count)
        return Row(**{"index": index, "id": str(index), "where": "test", "response": response, **fields})

    return make


@pytest.fixture
def config():
    """What writes a configuration."""
    return yaml


@pytest.fixture
def strangers():
    """A plugin with the rails of the tests."""
    return STRANGERS.Plugin()
