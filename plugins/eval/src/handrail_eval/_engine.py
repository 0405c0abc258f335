"""The loop: rows in, records out, in their order. In one process where rails are waited for, else in several."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anyio
from anyio.from_thread import start_blocking_portal
from handrail import RailsConfig
from handrail.errors import InvalidArgumentError

from handrail_eval._cache import Cache
from handrail_eval._judge import judge
from handrail_eval._metered import MeteredRails
from handrail_eval._rows import Row

Record: TypeAlias = tuple[dict[str, Any], dict[str, Any]]
"""What came of a row, and how long it took."""

Write: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], None]

_BATCH: Final = 16  # rows that a process is given at once
_ROWS: Final = 2  # rows for each check at once: while one is prepared, the judge works for another
_AHEAD: Final = 8  # how many rows, for each that is judged, may wait for one before them


@dataclass(frozen=True, slots=True)
class Settings:
    """How rows are judged.

    Attributes:
        seed: decides how answers are cut and how regularly they come.
        pace: tokens per second, on average.
        first_token: seconds before the first token.
        whole: whether answers are judged whole, too.
        texts: whether records have the texts of the data.
        concurrency: rows at once, and checks of one rail at once over all rows, where rails are waited for.
        processes: how many processes judge, where rails are not waited for; 0 for one a processor.
        cache: the file with answers of judges that are known.
        basis: what else than the content of a check decides a judge's answer.
        ask_all: whether judges of cascades are asked about windows that their conditions spare them, too.
    """

    seed: int = 0
    pace: float = 50.0
    first_token: float = 0.3
    whole: bool = True
    texts: bool = True
    concurrency: int = 32
    processes: int = 0
    cache: Path | None = None
    basis: str = ""
    ask_all: bool = False


def judge_rows(
    config: Path,
    rows: Iterable[Row],
    settings: Settings,
    write: Write,
    *,
    backend: Literal["asyncio", "trio"] = "asyncio",
) -> None:
    """Judge rows, and write what came of each, in order.

    Raises:
        ConfigurationError: the configuration or the data cannot be used.
    """
    rails = MeteredRails(RailsConfig.from_path(config))
    processes = settings.processes or os.cpu_count() or 1
    if rails.waits or processes == 1:
        anyio.run(_judge_here, config, rows, settings, write, backend=backend)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _prepare, (config, settings))
    with pool:
        try:
            for records in _in_processes(pool, rows, ahead=2 * processes):
                for record in records:
                    write(*record)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


async def _judge_here(config: Path, rows: Iterable[Row], settings: Settings, write: Write) -> None:
    with ExitStack() as stack:
        cache = None
        if settings.cache is not None:
            cache = Cache(settings.cache, settings.basis, texts=settings.texts)
            stack.callback(cache.close)
        loaded = RailsConfig.from_path(config)
        async with MeteredRails(loaded, at_once=settings.concurrency, cache=cache, ask_all=settings.ask_all) as rails:
            await _judge_at_once(rails, rows, settings, write)


async def _judge_at_once(rails: MeteredRails, rows: Iterable[Row], settings: Settings, write: Write) -> None:
    """Judge several rows at once; a row waits for those before it only to be written."""
    source, done = enumerate(rows), dict[int, Record]()
    room = anyio.Semaphore(settings.concurrency * _AHEAD)
    written = 0

    async def work() -> None:
        nonlocal written
        while True:
            await room.acquire()
            number, row = next(source, (0, None))
            if row is None:
                room.release()
                return
            done[number] = await judge(rails, row, settings)
            while written in done:
                write(*done.pop(written))
                written += 1
                room.release()

    try:
        async with anyio.create_task_group() as group:
            for _ in range(settings.concurrency * _ROWS):
                group.start_soon(work)
    except BaseExceptionGroup as group_of:
        raise _first(group_of) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended the loop, which is not an error of a row."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _in_processes(pool: ProcessPoolExecutor, rows: Iterable[Row], *, ahead: int) -> Iterator[list[Record]]:
    source, waiting = iter(rows), deque[Future[list[Record]]]()
    while True:
        while len(waiting) < ahead and (batch := list(islice(source, _BATCH))):
            waiting.append(pool.submit(_judge_batch, batch))
        if not waiting:
            return
        yield waiting.popleft().result()


_PREPARED: list[tuple[MeteredRails, Settings]] = []  # of a worker process, which judges with one configuration


def _prepare(config: Path, settings: Settings) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that writes; it ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _PREPARED.append((MeteredRails(RailsConfig.from_path(config)), settings))


def _end_with_parent() -> None:
    """End this process when the one that writes was killed, which could not say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _judge_batch(rows: list[Row]) -> list[Record]:
    rails, settings = _PREPARED[0]

    async def every() -> list[Record]:
        return [await judge(rails, row, settings) for row in rows]

    return anyio.run(every)


class RowJudge:
    """Judges rows by a configuration that is loaded once, for engines that share the work over machines.

    Args:
        config: the configuration.
        settings: how rows are judged; `processes` is for whoever shares the work.
    """

    def __init__(self, config: RailsConfig, settings: Settings) -> None:
        InvalidArgumentError.unless(isinstance(settings, Settings), "settings", settings, "Settings")
        self._rails = MeteredRails(config, at_once=settings.concurrency, ask_all=settings.ask_all)
        self._settings = settings
        self._stack = ExitStack()
        self._loop = self._stack.enter_context(start_blocking_portal())

    def judge(self, rows: Sequence[Row]) -> list[Record]:
        """Return what came of each row, in order."""
        records: list[Record] = []

        def write(verdict: dict[str, Any], times: dict[str, Any]) -> None:
            records.append((verdict, times))

        self._loop.call(_judge_at_once, self._rails, rows, self._settings, write)
        return records

    def close(self) -> None:
        """Close the configuration's rails and models."""
        try:
            self._loop.call(self._rails.aclose)
        finally:
            self._stack.close()
