"""Whatever becomes of replicas: a rail fails or is asked again in time, nothing goes out unchecked, nothing hangs."""

from __future__ import annotations

import os
import signal

import anyio
import pytest
from clusters import WORDS
from handrail import Turn, Window
from handrail.errors import RailBusyError

from conftest import deploy, meanwhile, rail_of, stream, streams_while, until

BAD = WORDS.replace("w50", "bad")
WINDOW = Window("w", 0, 0, 1, 1)
REPLICAS = "ServeReplica:mortal:"


@pytest.fixture
def anyio_backend():
    """Ask on one kind of loop: what dies is in the cluster."""
    return "asyncio"


@pytest.fixture(scope="module")
def mortal(cluster):
    """Return the cluster with one more application, that may be killed."""
    deploy(cluster.written("mortal judge", seconds=0.3, checks=str(cluster.checks)))
    return cluster


async def test_a_full_queue_fails_the_checks_that_find_no_place(cluster):
    async with cluster.rails("one judge") as rails:
        errors = []
        await rail_of(rails).check(WINDOW, Turn())

        async def ask():
            try:
                await rail_of(rails).check(WINDOW, Turn())
            except RailBusyError as exc:
                errors.append(exc)

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for _ in range(40):
                    group.start_soon(ask)
        assert 20 <= len(errors) < 40


async def test_whatever_is_killed_in_mid_check_costs_time_and_nothing_else(mortal):
    replicas = mortal.actors(REPLICAS)

    async def kill(go_on):
        go_on.set()
        killed = replicas | mortal.actors("ProxyActor", "ServeController")
        await until(lambda: any(mortal.checks.iterdir()))
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

    async with (
        mortal.rails("mortal judge", timeout=120) as by_handle,
        mortal.rails("mortal judge", timeout=120, http=True) as by_http,
    ):
        ended = await streams_while([by_handle, by_handle, by_http, by_http], kill, BAD)
    assert len(replicas) == 2, "a judge and the gateway"
    assert [outcome for outcome, _, _ in ended] == ["blocked"] * 4
    assert all(WORDS.startswith(text) for _, text, _ in ended)
    await until(lambda: len(mortal.actors(REPLICAS) - replicas) == 2)


async def test_an_update_drops_no_stream(mortal):
    async with mortal.rails("mortal judge") as by_handle, mortal.rails("mortal judge", http=True) as by_http:
        ended, updated = {by_handle: [], by_http: []}, anyio.Event()

        async def guarded(rails):
            while not updated.is_set():
                ended[rails].append(await stream(rails))

        async with anyio.create_task_group() as group:
            for rails in ended:
                group.start_soon(guarded, rails)
            await until(lambda: all(ended.values()))
            await meanwhile(deploy, mortal.written("mortal judge", word="worse"))
            updated.set()
        for rails, ends in ended.items():
            assert set(ends) == {("finished", WORDS, "")}
            assert (await rail_of(rails).check(WINDOW, Turn())).detail["word"] == "worse"


async def test_a_deployment_that_is_deleted_in_mid_stream_fails_the_rail(mortal):
    from ray import serve

    async with (
        mortal.rails("mortal judge", timeout=3) as by_handle,
        mortal.rails("mortal judge", timeout=3, http=True) as by_http,
    ):
        for rails in (by_handle, by_http):
            await rail_of(rails).check(WINDOW, Turn())
        ended = await streams_while([by_handle, by_http], lambda _: meanwhile(serve.delete, "mortal"))
    assert [outcome for outcome, _, _ in ended] == ["rail failed"] * 2
    assert all(len(text) < len(WORDS) for _, text, _ in ended)
