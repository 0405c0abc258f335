"""Asks a deployment by its handle, from inside of the cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from handrail_ray._transport import BusyError, UnreachableError

if TYPE_CHECKING:
    from handrail_ray._settings import RaySettings
    from handrail_ray._wire import Plain

_THREADS = 256


class Handle:
    """Carries requests to one deployment by its handle.

    Ray answers loops of asyncio. On trio a thread waits for each answer, which costs more.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._on_asyncio = runs_on_asyncio()
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def ask(self, request: Mapping[str, Any]) -> Plain:
        """Return what a replica answers. No error has anything of what was sent or answered."""
        from ray.exceptions import RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        response = self._handle.remote(dict(request))
        try:
            answer = await self._answer(response)
        except BackPressureError:
            raise BusyError("too many checks wait for the deployment already") from None
        except (RayError, RayServeException, RuntimeError) as exc:
            raise UnreachableError(f"no replica has answered: {type(exc).__name__}") from exc
        except BaseException:
            response.cancel()
            raise
        if not isinstance(answer, dict):
            raise UnreachableError("a replica has answered with something else than a mapping")
        return answer

    async def _answer(self, response: Any) -> Any:
        if self._on_asyncio:
            return await response
        return await anyio.to_thread.run_sync(response.result, abandon_on_cancel=True, limiter=self._threads)


@asynccontextmanager
async def by_handle(settings: RaySettings, deployment: str) -> AsyncIterator[Handle]:
    """Join the cluster, unless this process is part of one, and find a deployment.

    Raises:
        UnreachableError: there is no cluster, or Serve does not run in it.
    """
    handle = await anyio.to_thread.run_sync(partial(found, settings, deployment), abandon_on_cancel=True)
    yield Handle(handle)


def found(settings: RaySettings, deployment: str) -> Any:
    """Return the handle of a deployment, in a process that is then part of the cluster.

    Raises:
        UnreachableError: there is no cluster, or Serve does not run in it.
    """
    from handrail_ray._cluster import joined

    serve = joined(settings.address)
    try:
        return serve.get_deployment_handle(deployment, app_name=settings.app).judge
    except Exception as exc:
        raise UnreachableError(f"Ray Serve cannot be reached: {type(exc).__name__}") from exc


def runs_on_asyncio() -> bool:
    """Return whether the running loop is one of asyncio."""
    import asyncio

    try:
        return asyncio.get_running_loop() is not None
    except RuntimeError:
        return False
