"""Rails in a real cluster say what they say here, in batches, and cost little more."""

from __future__ import annotations

import statistics
import time

import anyio
import pytest
from clusters import WORDS
from handrail import Turn, Window

from conftest import rail_of, stream

BAD = WORDS.replace("w40", "bad")
both_ways = pytest.mark.parametrize("http", [False, True], ids=["handle", "http"])
ROUNDS = 6  # at most, for other programs may be busy during some of them
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])  # where Ray answers without a thread


def window(text="w1 w2"):
    return Window(text, 0, 0, len(text), len(text), last=True)


@both_ways
async def test_streams_pass_or_are_stopped(cluster, http):
    async with cluster.rails("judge", http=http) as rails:
        assert await stream(rails) == ("finished", WORDS, "")
    async with cluster.rails("judge", text=BAD, http=http) as rails:
        outcome, text, reason = await stream(rails)
        assert (outcome, reason) == ("blocked", "it says bad")
        assert WORDS.startswith(text)


async def test_windows_of_many_streams_are_judged_together(cluster):
    async with cluster.rails("batches") as rails:
        sizes = []

        async def ask():
            sizes.append((await rail_of(rails).check(window(), Turn())).detail["size"])

        await ask()
        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(ask)
        assert max(sizes) >= 8


@both_ways
async def test_a_stateful_rail_knows_its_stream_in_every_replica(cluster, http):
    async with cluster.rails("counter", http=http) as rails:
        session = rail_of(rails).open(Turn())
        for number in range(3):
            assert (await session.check(window(f"w{number}"))).decision == "allow"
        assert (await session.check(window("w3"))).reason == "the fourth"


async def _answered(rails, at_once, until):
    """Keep so many checks going until a time; return how many were answered, and the most at once in each replica."""
    answers = []

    async def ask():
        while time.perf_counter() < until:
            answers.append((await rail_of(rails).check(window(), Turn())).detail)

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(ask)
    return len(answers), {detail["pid"]: detail["at once"] for detail in answers}


async def _load(one, two):
    """Ask one replica and two at the same time, which finds the machine as busy for both; return what came of each."""
    found = {}

    async def load(rails, at_once, end):
        found[rails] = await _answered(rails, at_once, end)

    async with anyio.create_task_group() as group:
        end = time.perf_counter() + 2
        group.start_soon(load, one, 8, end)
        group.start_soon(load, two, 16, end)
    return found[one], found[two]


@on_asyncio
async def test_two_replicas_take_twice_the_load_of_one(cluster):
    ratios = []
    async with cluster.rails("one judge") as one, cluster.rails("judge") as two:
        for rails in (one, two):
            await rail_of(rails).check(window(), Turn())
        while len(ratios) < ROUNDS and max(ratios, default=0) < 1.8:
            (by_one, one_at_once), (by_two, two_at_once) = await _load(one, two)
            ratios.append(by_two / by_one)
    print(f"two replicas take {ratios[-1]:.2f} times the load of one")
    assert [*one_at_once.values(), *two_at_once.values()] == [2, 2, 2]
    assert max(ratios) >= 1.8, ratios


@on_asyncio
async def test_a_handle_costs_little_more_than_a_rail_in_this_process(cluster):
    more = []
    async with cluster.rails("judge", pace=2000) as here, cluster.rails("judge", pace=2000, placed=False) as local:
        await stream(here)
        while len(more) < ROUNDS and min(more, default=1) > 0.015:
            placed, alone = [], []
            for _ in range(11):
                placed.append(await _first(here))
                alone.append(await _first(local))
            more.append(statistics.median(placed) - statistics.median(alone))
    print(f"the first text comes {1000 * more[-1]:.1f} ms later by handle")
    assert min(more) <= 0.015, more


async def _first(rails):
    begun = time.perf_counter()
    async with rails.stream("hello") as running:
        async for _ in running:
            return time.perf_counter() - begun
    raise AssertionError("nothing came")
