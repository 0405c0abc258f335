"""Rails in a real cluster say what they say here, in batches, and cost little more."""

from __future__ import annotations

import json
import statistics
import time

import anyio
import pytest
from handrail import Turn, Window

from conftest import WORDS, stream

BAD = WORDS.replace("w40", "bad")


def window(text="w1 w2"):
    return Window(text, 0, 0, len(text), len(text), last=True)


def rail_of(rails):
    (plan,) = rails.composition.output_rails
    return plan.rail


@pytest.mark.parametrize("http", [False, True], ids=["handle", "http"])
async def test_streams_pass_or_are_stopped(cluster, http):
    async with cluster.rails("[judge]", http=http) as rails:
        assert await stream(rails) == ("finished", WORDS, "")
    async with cluster.rails("[judge]", BAD, http=http) as rails:
        outcome, text, reason = await stream(rails)
        assert (outcome, reason) == ("blocked", "it says bad")
        assert WORDS.startswith(text)


def test_the_command_shows_what_is_deployed(cluster):
    found = json.loads(cluster.run("handrail", "ray", "status", "--json"))
    assert {row["status"] for row in found["rails"]} == {"HEALTHY"}
    assert sum(row["replicas"] for row in found["rails"]) == 7


async def test_windows_of_many_streams_are_judged_together(cluster):
    async with cluster.rails("[batches]") as rails:
        sizes = []

        async def ask():
            sizes.append((await rail_of(rails).check(window(), Turn())).detail["size"])

        await ask()
        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(ask)
        assert max(sizes) >= 8


@pytest.mark.parametrize("http", [False, True], ids=["handle", "http"])
async def test_a_stateful_rail_knows_its_stream_in_every_replica(cluster, http):
    async with cluster.rails("[counter]", http=http) as rails:
        session, seen = rail_of(rails).open(Turn()), set()
        for number in range(3):
            seen.add((await session.check(window(f"w{number}"))).detail["pid"])
        assert (await session.check(window("w3"))).reason == "the fourth"


async def _checks_a_second(rails, count, at_once):
    async def ask():
        async with limiter:
            await rail_of(rails).check(window(), Turn())

    limiter = anyio.CapacityLimiter(at_once)
    begun = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(ask)
    return count / (time.perf_counter() - begun)


async def test_two_replicas_take_twice_the_load_of_one(cluster):
    async with cluster.rails("[one judge]") as one, cluster.rails("[judge]") as two:
        for rails in (one, two):
            await rail_of(rails).check(window(), Turn())
        ratio = max([await _checks_a_second(two, 80, 16) / await _checks_a_second(one, 40, 8) for _ in range(2)])
    print(f"two replicas take {ratio:.2f} times the load of one")
    assert ratio >= 1.8


async def test_a_handle_costs_little_more_than_a_rail_in_this_process(cluster):
    here = cluster.rails("[judge]", pace=2000)
    local = _without_place(cluster)
    async with here, local:
        placed, alone = [], []
        await stream(here)
        for _ in range(15):
            placed.append(await _first(here))
            alone.append(await _first(local))
    more = statistics.median(placed) - statistics.median(alone)
    print(f"the first text comes {1000 * more:.1f} ms later by handle")
    assert more <= 0.015


def _without_place(cluster):
    from handrail import LLMRails, RailsConfig

    folder = cluster.config("[judge]", pace=2000)
    config = RailsConfig.from_path(folder)
    sections = {"judge": {"seconds": 0.1}}
    return LLMRails(
        RailsConfig.from_content(
            config={
                "models": [model.model_dump(exclude_unset=True) for model in config.models],
                "rails": {
                    "output": {
                        "flows": ["judge"],
                        "streaming": config.rails.output.streaming.model_dump(exclude_unset=True),
                    },
                    "config": sections,
                },
            }
        )
    )


async def _first(rails):
    begun = time.perf_counter()
    async with rails.stream("hello") as running:
        async for _ in running:
            return time.perf_counter() - begun
    raise AssertionError("nothing came")
