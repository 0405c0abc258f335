"""An `LLMRails` is replaced while its calls run; a broken one takes nobody's place."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded
from handrail import Chunk, ConfigurationError, Finished, RailsClosedError, RailsConfig, ReloadableRails
from handrail._rails import LLMRails


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


class Noting:
    """Says its number, and again when it may go on; notes how many streams were open when it was closed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.go_on: anyio.Event | None = None
        self.open = 0
        self.closings: list[int] = []

    async def stream(self, messages, params):
        self.open += 1
        try:
            yield Chunk(f"{self.number} ")
            if self.go_on is not None:
                await self.go_on.wait()
            yield Chunk(f"{self.number}")
        finally:
            self.open -= 1

    async def aclose(self):
        self.closings.append(self.open)


class Versions:
    """Builds version after version, each of which says its number."""

    def __init__(self, **rails: object) -> None:
        self.providers: list[Noting] = []
        self.broken = False
        self._rails = rails

    def __call__(self) -> LLMRails:
        if self.broken:
            raise ConfigurationError("it is broken")
        self.providers.append(Noting(len(self.providers)))
        return Guarded(self.providers[-1], dict(self._rails)).rails

    @property
    def closings(self) -> list[list[int]]:
        return [provider.closings for provider in self.providers]

    def hold(self) -> anyio.Event:
        """Have the newest version wait in the middle of its answers."""
        self.providers[-1].go_on = go_on = anyio.Event()
        return go_on

    async def running(self, count: int) -> None:
        """Wait until so many answers of the first version run."""
        while self.providers[0].open < count:
            await anyio.lowlevel.checkpoint()


async def answer(reloadable, found):
    async with reloadable.use() as rails, rails.stream("hello") as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], Finished)
    found.append(stream.response.text)


@pytest.mark.parametrize("rails", [{}, {"r": FunctionRail(latency=0.05)}], ids=["free", "window"])
async def test_streams_end_with_what_they_began_with_and_the_last_of_them_closes_it(rails):
    versions, found = Versions(**rails), []
    reloadable = ReloadableRails(versions)
    go_on = versions.hold()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(answer, reloadable, found)
        await versions.running(3)
        await reloadable.reload()
        await answer(reloadable, found)
        assert (found, versions.closings) == (["1 1"], [[], []])
        go_on.set()
    assert found == ["1 1", "0 0", "0 0", "0 0"]
    assert versions.closings == [[0], []]
    await reloadable.aclose()
    assert versions.closings == [[0], [0]]


async def test_what_nobody_uses_is_closed_when_it_is_replaced():
    versions = Versions()
    reloadable = ReloadableRails(versions)
    await reloadable.reload()
    assert versions.closings == [[0], []]


async def test_a_configuration_that_is_broken_changes_nothing():
    versions, found = Versions(), []
    reloadable = ReloadableRails(versions)
    versions.broken = True
    with pytest.raises(ConfigurationError, match="it is broken"):
        await reloadable.reload()
    await answer(reloadable, found)
    assert found == ["0 0"]
    assert versions.closings == [[]]
    versions.broken = False
    await reloadable.reload()
    assert versions.closings == [[0], []]


def test_the_first_one_must_not_be_broken():
    versions = Versions()
    versions.broken = True
    with pytest.raises(ConfigurationError, match="it is broken"):
        ReloadableRails(versions)


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        (RailsConfig.from_content(config={}), r"builds an LLMRails, not .*; write ReloadableRails\(lambda: LLMRails"),
        (lambda: RailsConfig.from_content(config={}), "builds an LLMRails; it returned 'RailsConfig'"),
    ],
)
def test_it_takes_a_function_that_builds_rails(build, problem):
    with pytest.raises(TypeError, match=problem):
        ReloadableRails(build)


async def test_after_closing_nothing_begins_and_what_runs_ends_whole():
    versions, found = Versions(), []
    reloadable = ReloadableRails(versions)
    go_on = versions.hold()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer, reloadable, found)
        await versions.running(1)
        await reloadable.aclose()
        assert versions.closings == [[]]
        with pytest.raises(RailsClosedError):
            await answer(reloadable, found)
        go_on.set()
    assert found == ["0 0"]
    await reloadable.aclose()
    with pytest.raises(RailsClosedError):
        await reloadable.reload()
    assert versions.closings == [[0], [0]]


async def test_calls_that_outlive_their_block_are_cut_after_the_drain():
    versions, ends = Versions(), []
    reloadable = ReloadableRails(versions, drain=0.05)
    versions.hold()

    async def consume(stream):
        with pytest.raises(RailsClosedError) as error:
            _ = [event async for event in stream]
        ends.append(error.value)

    async with anyio.create_task_group() as tasks, reloadable.use() as rails:
        tasks.start_soon(consume, rails.stream_events("hello"))
        await versions.running(1)
        await reloadable.reload()
    assert len(ends) == 1
    assert versions.closings == [[0], []]


async def test_a_block_that_is_cancelled_closes_what_was_replaced():
    versions = Versions()
    reloadable = ReloadableRails(versions)
    with anyio.move_on_after(0.05):
        async with reloadable.use():
            await reloadable.reload()
            await anyio.sleep_forever()
    assert versions.closings == [[0], []]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_a_reload_replaced_that_asyncio_cancelled_is_closed_by_the_next_who_comes(anyio_backend):
    began, go_on = threading.Event(), threading.Event()
    versions = Versions()

    def build():
        if versions.providers:
            began.set()
            go_on.wait()
        return versions()

    reloadable, found = ReloadableRails(build), []
    reload = asyncio.create_task(reloadable.reload())
    await anyio.to_thread.run_sync(began.wait)
    reload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reload
    go_on.set()
    await reloadable.reload()
    assert versions.closings == [[0], [0], []]
    await answer(reloadable, found)
    assert found == ["2 2"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_asyncio_kept_from_closing_is_closed_by_the_next_who_comes(anyio_backend):
    class Slow(Noting):
        async def aclose(self):
            closing.set()
            await anyio.lowlevel.checkpoint()
            await super().aclose()

    closing, first = anyio.Event(), Slow(0)
    providers = iter([first, Noting(1)])
    reloadable = ReloadableRails(lambda: Guarded(next(providers), {}).rails)
    reload = asyncio.create_task(reloadable.reload())
    await closing.wait()
    reload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reload
    assert first.closings == []
    await reloadable.aclose()
    assert first.closings == [0]


async def test_one_that_fails_to_close_is_logged_without_its_words(caplog):
    class Failing(FakeProvider):
        async def aclose(self):
            raise OSError("a secret")

    reloadable = ReloadableRails(lambda: Guarded(Failing(["Hi"]), {}).rails)
    await reloadable.reload()
    assert "failed: OSError" in caplog.text
    assert "a secret" not in caplog.text


async def test_of_reloads_at_once_the_later_one_wins():
    began, go_on = threading.Event(), threading.Event()
    versions = Versions()

    def build():
        if len(versions.providers) == 1:
            began.set()
            go_on.wait()
        return versions()

    reloadable, found = ReloadableRails(build), []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reloadable.reload)
        await anyio.to_thread.run_sync(began.wait)
        tasks.start_soon(reloadable.reload)
        await anyio.lowlevel.checkpoint()
        go_on.set()
    await answer(reloadable, found)
    assert found == ["2 2"]
    assert versions.closings == [[0], [0], []]
