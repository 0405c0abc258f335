"""What rails and providers share is opened once in a loop, and left with the `LLMRails` or the loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest
from fakes import FakeProvider, Guarded, words
from handrail import Verdict
from handrail._compose.shared import Shared
from virtual import VirtualLoop

HELLO = [{"role": "user", "content": "hello"}]


class Pools:
    """Opens pools, each of which must be left in the task that entered it."""

    def __init__(self, *, delay=0.0, error=None):
        self.delay, self.error = delay, error
        self.opened, self.left, self.used = [], [], []

    @asynccontextmanager
    async def open(self):
        async with anyio.create_task_group() as tasks:  # fails, if another task leaves it
            await anyio.sleep(self.delay)
            if self.error is not None:
                raise self.error
            pool = object()
            self.opened.append(pool)
            tasks.start_soon(anyio.sleep_forever)
            try:
                yield pool
            finally:
                self.left.append(pool)
                tasks.cancel_scope.cancel()

    def rail(self, key="pool"):
        pools = self

        class Pooled:
            def __init__(self, settings, context):
                self.context = context

            async def check(self, window, turn):
                pools.used.append(await self.context.shared(key, pools.open))
                return Verdict.allow()

        return Pooled


def rails_of(pools, keys=("pool",)):
    rails = {f"rail {n}": pools.rail(key) for n, key in enumerate(keys)}
    return Guarded(FakeProvider(words(60)), rails, input_flows=list(rails), flows=list(rails), parallel=True).rails


async def test_whoever_asks_with_a_key_gets_what_was_opened_once():
    pools = Pools(delay=0.5)
    rails = rails_of(pools, ["pool", "pool", "other"])
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(rails.generate_async, "hello")
    assert len(pools.opened) == 2
    assert set(pools.used) == set(pools.opened)
    assert pools.left == []
    await rails.aclose()
    assert set(pools.left) == set(pools.opened)
    assert len(pools.left) == 2


async def test_nothing_is_shared_between_two_llmrails():
    pools = Pools()
    for rails in (rails_of(pools), rails_of(pools)):
        await rails.check_async(HELLO)
        await rails.aclose()
    assert len(pools.opened) == 2


async def test_what_cannot_be_opened_is_a_failure_of_each_who_asks_and_is_tried_again():
    pools = Pools(error=ConnectionError("refused"))
    rails = rails_of(pools)
    assert (await rails.check_async(HELLO)).failed
    pools.error = None
    assert (await rails.check_async(HELLO)).status == "passed"
    await rails.aclose()
    assert len(pools.left) == 1


async def test_who_is_cancelled_while_it_opens_takes_nothing_from_others():
    pools = Pools(delay=2)
    rails = rails_of(pools)
    with anyio.move_on_after(1):
        await rails.check_async(HELLO)
    assert (await rails.check_async(HELLO)).status == "passed"
    assert len(pools.opened) == 1
    await rails.aclose()


async def test_closing_ends_what_has_not_opened_yet():
    pools = Pools(delay=1_000_000)
    rails = rails_of(pools)
    with anyio.move_on_after(1):
        await rails.check_async(HELLO)
    with anyio.fail_after(5):
        await rails.aclose()
    assert pools.opened == []


async def test_an_error_while_leaving_is_raised_by_closing_once_everything_is_left():
    class Sour(Pools):
        @asynccontextmanager
        async def open(self):
            yield 1
            self.left.append(1)
            raise ConnectionError("cannot be left")

    pools = Sour()
    rails = rails_of(pools)
    await rails.check_async(HELLO)
    with pytest.raises(ConnectionError, match="cannot be left"):
        await rails.aclose()
    assert pools.left == [1]


def test_each_loop_has_its_own_which_ends_with_it():
    pools = Pools()
    rails = rails_of(pools)

    async def once():
        await rails.check_async(HELLO)
        assert len(pools.left) == len(pools.opened) - 1

    asyncio.run(once())
    asyncio.run(once())
    assert rails.check(HELLO).status == "passed"
    assert rails.check(HELLO).status == "passed"
    assert len(pools.opened) == 3
    rails.close()
    assert len(pools.left) == 3


@pytest.mark.parametrize("ticks", range(3))
def test_nobody_waits_for_a_pool_whose_task_was_cancelled_before_it_began(ticks):
    """As a shutdown does, which asyncio does not tell the task of."""
    pools, shared = Pools(), Shared()

    async def main():
        user = asyncio.create_task(shared.get("pool", pools.open))
        for _ in range(ticks):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        closing = asyncio.create_task(shared.aclose())
        _, waiting = await asyncio.wait({user, closing}, timeout=60)
        return waiting

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert not runner.run(main())
    assert len(pools.left) == len(pools.opened)
