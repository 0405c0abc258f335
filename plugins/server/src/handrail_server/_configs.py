"""The configurations that are served: found by name, loaded once, replaced as a whole or not at all."""

from __future__ import annotations

import logging
import os
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import islice
from operator import add
from pathlib import Path
from typing import TypeAlias

import anyio
from anyio import to_thread
from handrail import ConfigurationError, HandrailError, LLMRails, RailsClosedError, RailsConfig, ReloadableRails

from handrail_server._errors import ApiError, config_broken, log_failure, no_configuration

logger = logging.getLogger("handrail.server")

Compose: TypeAlias = Callable[[RailsConfig, str], LLMRails]
Ids: TypeAlias = tuple[str, ...]
Snapshot: TypeAlias = frozenset[tuple[str, int, int]]

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SUFFIXES = (".yml", ".yaml")
_WRITTEN = ".handrail-written"  # is in folders that plugins write, such as that of a record of decisions
_MOST_FILES = 5000  # of a configuration, that are looked at for changes


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A configuration as one request uses it.

    Attributes:
        ids: its names.
        rails: what was built.
    """

    ids: Ids
    rails: LLMRails


@dataclass(slots=True, eq=False)
class _Entry:
    """A configuration that is kept loaded.

    Attributes:
        rails: what was built.
        snapshot: the files as they were before they were read.
        failed_snapshot: the files as they were when they could not be used.
    """

    rails: ReloadableRails
    snapshot: Snapshot
    failed_snapshot: Snapshot = field(default_factory=frozenset)


class Configurations:
    """A folder of configurations, or a single one.

    Args:
        root: a folder whose subfolders are configurations, or one configuration: a folder with YAML files, or a file.
        default: the configuration of requests that name none.
        compose: builds a configuration, of which it is told the name.
        bound: how many configurations and combinations are kept loaded.

    Raises:
        ConfigurationError: there is no configuration, or the default is none of them.
    """

    def __init__(
        self, root: Path, *, default: str | None = None, compose: Compose | None = None, bound: int = 64
    ) -> None:
        self._root = root.expanduser()
        self._single = _single(self._root)
        self._compose = compose or _composed
        self._bound = bound
        self._loaded: OrderedDict[Ids, _Entry] = OrderedDict()
        self._loading: dict[Ids, anyio.Lock] = {}
        found = self.folders()
        if not found:
            raise ConfigurationError(
                f"{root}: no configuration found; write a folder with a YAML file, or a folder of such folders"
                if self._root.exists()
                else f"no such file or folder: '{root}'"
            )
        if default is not None and default not in found:
            raise ConfigurationError(f"unknown default configuration {default!r}; known: {', '.join(sorted(found))}")
        self.default = default or (next(iter(found)) if len(found) == 1 else None)

    def folders(self) -> Mapping[str, Path]:
        """Return what can be asked for, by id."""
        if self._single:
            return self._single
        names = sorted(entry.name for entry in self._root.iterdir()) if self._root.is_dir() else ()
        return {name: folder for name in names if (folder := self.find(name)) is not None}

    def find(self, name: str) -> Path | None:
        """Return the configuration of this id. An id is a name; a path never is, nor a link that leads out."""
        if self._single or not _ID.fullmatch(name):
            return self._single.get(name)
        folder = self._root / name
        inside = folder.is_dir() and folder.resolve().is_relative_to(self._root.resolve())
        return folder if inside and _has_yaml(folder) else None

    @asynccontextmanager
    async def use(self, ids: Ids) -> AsyncGenerator[Loaded, None]:
        """Yield a configuration, or several merged in order, for as long as the block lasts.

        Raises:
            ApiError: one does not exist, or cannot be loaded.
        """
        while (entry := self._loaded.get(ids)) is None:  # it may be dropped again before its turn comes
            await self._load(ids)
        self._loaded.move_to_end(ids)
        async with entry.rails.use() as rails:
            yield Loaded(ids, rails)

    def check_combinations(self, combinations: Sequence[Ids]) -> None:
        """Refuse combinations of configurations that are not there.

        Raises:
            ConfigurationError: one of them is not.
        """
        found = self.folders()
        for name in (name for ids in combinations for name in ids):
            if name not in found:
                raise ConfigurationError(
                    f"policy.combinations: unknown configuration {name!r}; known: {', '.join(sorted(found))}"
                )

    def preload(self) -> None:
        """Load the default configuration, before anything runs.

        Raises:
            ConfigurationError: it is broken.
        """
        if self.default is not None:
            ids = (self.default,)
            self._loaded[ids] = self._entry(ids)

    async def load_all(self) -> None:
        """Load what is not loaded yet, as far as it is kept; the log tells what cannot be used."""
        for name in list(self.folders())[: self._bound]:
            try:
                if (name,) not in self._loaded:
                    await self._load((name,))
            except ApiError:  # which the log has told
                continue
            except Exception as exc:  # noqa: BLE001  # whatever a plugin raises, the others are served
                log_failure(f"configuration {name} cannot be used", exc)

    async def reload_changed(self) -> tuple[Sequence[Ids], Sequence[Ids]]:
        """Load again what has changed; give what was replaced, and what was broken and therefore kept as it was."""
        replaced: list[Ids] = []
        broken: list[Ids] = []
        for ids, entry in list(self._loaded.items()):
            snapshot = await to_thread.run_sync(self._snapshot, ids)
            if snapshot in (entry.snapshot, entry.failed_snapshot):
                continue
            try:
                await entry.rails.reload()
            except RailsClosedError:  # dropped meanwhile
                continue
            except Exception as exc:  # noqa: BLE001  # whatever is wrong with an edit, what runs goes on
                entry.failed_snapshot = snapshot
                broken.append(ids)
                logger.warning("configuration %s: the change cannot be used, the old one stays: %s", "+".join(ids), exc)
                continue
            entry.snapshot = snapshot
            replaced.append(ids)
            logger.info("configuration %s: loaded again", "+".join(ids))
        return replaced, broken

    async def aclose(self) -> None:
        """Close everything that is loaded. No request may run any more."""
        while self._loaded:
            await self._loaded.popitem()[1].rails.aclose()

    async def _load(self, ids: Ids) -> None:
        self._refuse_unknown(ids)
        lock = self._loading.setdefault(ids, anyio.Lock())
        async with lock:
            try:
                if ids not in self._loaded:
                    self._loaded[ids] = await to_thread.run_sync(self._entry, ids)
                    await self._drop_surplus(ids)
            except HandrailError as exc:
                logger.warning("configuration %s cannot be used; 'handrail check' explains it: %s", "+".join(ids), exc)
                raise config_broken(f"The configuration {'+'.join(ids)!r}") from exc
            finally:
                if not lock.statistics().tasks_waiting:
                    self._loading.pop(ids, None)

    def _refuse_unknown(self, ids: Ids) -> None:
        unknown = next((name for name in ids if self.find(name) is None), None)
        if unknown is not None:
            raise no_configuration(unknown)

    def _paths(self, ids: Ids) -> list[Path]:
        return [path for path in map(self.find, ids) if path is not None]

    def _snapshot(self, ids: Ids) -> Snapshot:
        return _snapshot(self._paths(ids))

    def _entry(self, ids: Ids) -> _Entry:
        """Load a configuration; runs in a thread, because files and imports block."""
        snapshot = self._snapshot(ids)  # before reading, so that a change while it is read is seen as one
        return _Entry(ReloadableRails(partial(self._build, ids)), snapshot)

    def _build(self, ids: Ids) -> LLMRails:
        paths = self._paths(ids)
        if len(paths) != len(ids):
            raise ConfigurationError(f"its folder is gone: {', '.join(ids)}")
        return self._compose(reduce(add, map(RailsConfig.from_path, paths)), "+".join(ids))

    async def _drop_surplus(self, newest: Ids) -> None:
        while len(self._loaded) > self._bound and (oldest := next(iter(self._loaded))) != newest:
            await self._loaded.pop(oldest).rails.aclose()


def _composed(config: RailsConfig, name: str) -> LLMRails:  # noqa: ARG001  # the interface
    return LLMRails(config)


def _single(root: Path) -> Mapping[str, Path]:
    """Return the one configuration that a file, or a folder with YAML files, is; nothing for a folder of folders."""
    if root.is_file():
        return {root.stem: root}
    if root.is_dir() and _has_yaml(root):
        return {root.resolve().name or "config": root}
    return {}


def _has_yaml(folder: Path) -> bool:
    return any(entry.suffix in _SUFFIXES and entry.is_file() for entry in folder.iterdir())


def _snapshot(paths: Sequence[Path]) -> Snapshot:
    seen: list[tuple[str, int, int]] = []
    for path in paths:
        for file in [path] if path.is_file() else islice(_watched(path), _MOST_FILES):
            try:
                if file.is_file():
                    status = file.stat()
                    seen.append((str(file), status.st_mtime_ns, status.st_size))
            except OSError:  # it has just gone: a change like another
                continue
    return frozenset(seen)


def _watched(root: Path) -> Iterator[Path]:
    """Yield the files of a configuration, in order, without those of folders that are written while it is used."""
    for folder, inside, names in os.walk(root):
        if _WRITTEN in names and folder != str(root):
            inside.clear()
            continue
        inside[:] = sorted(name for name in inside if name != "__pycache__")
        yield from (Path(folder, name) for name in sorted(names))
