"""What runs beside the requests: first loads, the end of a drain, connections that wait too long, files that change."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from handrail import ConfigurationError

from handrail_server._keys import read_keys

if TYPE_CHECKING:
    from handrail_server._connections import Connections
    from handrail_server._keys import Keys
    from handrail_server._services import Services

logger = logging.getLogger("handrail.server")

_RELOAD_SECONDS = 1.0
_TICK_SECONDS = 0.1
_CONNECTIONS_SECONDS = 1.0


def lifespan(services: Services, keys: Keys, connections: Connections) -> Callable[[Any], Any]:
    """Return what the application runs from its start to its end."""

    @asynccontextmanager
    async def running(_app: object) -> AsyncGenerator[dict[str, Any], None]:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_watch_drain, services)
                tasks.start_soon(_watch_connections, connections)
                tasks.start_soon(services.configurations.load_all)
                if services.settings.auto_reload:
                    tasks.start_soon(_watch_files, services, keys)
                yield {"handrail.connections": connections}  # where the protocol of the process finds it
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await services.configurations.aclose()
                await services.store.aclose()

    return running


async def _watch_drain(services: Services) -> None:
    while True:
        await anyio.sleep(_TICK_SECONDS)
        services.lifecycle.end_late_answers()


async def _watch_connections(connections: Connections) -> None:
    while True:
        await anyio.sleep(_CONNECTIONS_SECONDS)
        connections.drop_late()


async def _watch_files(services: Services, keys: Keys) -> None:
    file = services.settings.keys
    seen = _stamp(file)
    while True:
        await anyio.sleep(_RELOAD_SECONDS)
        replaced, broken = await services.configurations.reload_changed()
        services.metrics.reloads.add("replaced", value=len(replaced))
        services.metrics.reloads.add("broken", value=len(broken))
        if file is not None and (now := _stamp(file)) != seen:
            seen = now
            outcome = await to_thread.run_sync(_reload_keys, services, keys, file)
            services.metrics.reloads.add(outcome)


def _reload_keys(services: Services, keys: Keys, file: Path) -> str:
    try:
        keys.replace(read_keys(file, services.configurations.folders()))
    except ConfigurationError as exc:
        logger.warning("the change of the keys cannot be used, the old ones stay: %s", exc)
        return "broken"
    logger.info("the keys were loaded again")
    return "replaced"


def _stamp(file: Path | None) -> tuple[int, int] | None:
    try:
        status = file.stat() if file is not None else None
    except OSError:  # it is being replaced
        return None
    return (status.st_mtime_ns, status.st_size) if status is not None else None
