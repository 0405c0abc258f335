"""Whatever dies: a rail has failed or is asked again in time, nothing unchecked goes out, and nothing hangs."""

from __future__ import annotations

import os
import signal

import anyio
import pytest
from handrail import Turn, Window
from handrail.errors import RailBusyError

from conftest import PLACED, WORDS, deploy, meanwhile, stream, until

BAD = WORDS.replace("w50", "bad")
WINDOW = Window("w", 0, 0, 1, 1)


@pytest.fixture
def anyio_backend():
    """Ask on one kind of loop: what dies is in the cluster."""
    return "asyncio"


def rail_of(rails):
    (plan,) = rails.composition.output_rails
    return plan.rail


async def at_once(several, do):
    """Run a stream with each of several rails, do something meanwhile, and return how the streams ended."""
    ended = []

    async def guarded(rails):
        ended.append(await stream(rails))

    with anyio.fail_after(120):
        async with anyio.create_task_group() as group:
            for rails in several:
                await rail_of(rails).check(WINDOW, Turn())
            for rails in several:
                group.start_soon(guarded, rails)
            await anyio.sleep(0.6)
            await do()
    assert len(ended) == len(several)
    assert all(WORDS.startswith(text) for _, text, _ in ended)
    return ended


async def test_replicas_that_are_killed_in_mid_check_cost_time_and_nothing_else(cluster):
    async def do():
        for pid in cluster.replicas("judge"):
            os.kill(pid, signal.SIGKILL)

    async with (
        cluster.rails("[judge]", BAD, pace=30) as by_handle,
        cluster.rails("[judge]", BAD, pace=30, http=True) as by_http,
    ):
        ended = await at_once([by_handle, by_handle, by_http, by_http], do)
    assert [outcome for outcome, _, _ in ended] == ["blocked"] * 4
    await until(lambda: len(cluster.replicas("judge")) == 2)


async def test_a_full_queue_fails_the_checks_that_find_no_place(cluster):
    async with cluster.rails("[one judge]") as rails:
        errors = []
        await rail_of(rails).check(WINDOW, Turn())

        async def ask():
            try:
                await rail_of(rails).check(WINDOW, Turn())
            except RailBusyError as exc:
                errors.append(exc)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for _ in range(40):
                    group.start_soon(ask)
        assert 20 <= len(errors) < 40


async def test_an_update_drops_no_stream(cluster):
    async with (
        cluster.rails("[judge]", pace=20) as by_handle,
        cluster.rails("[judge]", pace=20, http=True) as by_http,
    ):
        ended, updated = [], anyio.Event()

        async def guarded(rails):
            while not updated.is_set():
                ended.append(await stream(rails))

        async with anyio.create_task_group() as group:
            for rails in (by_handle, by_http):
                group.start_soon(guarded, rails)
            await anyio.sleep(0.5)
            await meanwhile(deploy, cluster.config(PLACED, word="worse"))
            updated.set()
        assert len(ended) >= 2
        assert set(ended) == {("finished", WORDS, "")}
        for rails in (by_handle, by_http):
            assert (await rail_of(rails).check(WINDOW, Turn())).detail["word"] == "worse"
    await meanwhile(deploy, cluster.config(PLACED))


async def test_a_deployment_that_is_deleted_in_mid_stream_fails_the_rail(cluster):
    from ray import serve

    await meanwhile(deploy, cluster.config("[lost judge]"))
    async with (
        cluster.rails("[lost judge]", pace=20) as by_handle,
        cluster.rails("[lost judge]", pace=20, http=True) as by_http,
    ):
        ended = await at_once([by_handle, by_http], lambda: meanwhile(serve.delete, "lost"))
    assert [outcome for outcome, _, _ in ended] == ["rail failed"] * 2
    assert all(len(text) < len(WORDS) for _, text, _ in ended)
