"""Asks a deployment over HTTP, from outside of its cluster."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from anyio.lowlevel import checkpoint_if_cancelled

from handrail_ray._transport import BusyError, UnreachableError

if TYPE_CHECKING:
    from handrail_ray._settings import RaySettings
    from handrail_ray._wire import Plain

_CONNECT = 5.0  # seconds
_MOST_CONNECTIONS = 512
_JSON = {"content-type": "application/json"}


class Http:
    """Carries requests to one deployment by POST; how long an answer takes is for whoever asks to say."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._shown = httpx2.URL(url).host

    async def ask(self, request: Mapping[str, Any]) -> Plain:
        """Return what a replica answers. No error has anything of what was sent or answered."""
        body = json.dumps(dict(request)).encode()  # in ASCII, for half of a surrogate pair must travel, too
        try:
            response = await self._client.post(self._url, content=body, headers=_JSON)
        except httpx2.RequestError as exc:
            raise self._unreachable(f"could not be reached: {type(exc).__name__}") from None
        await checkpoint_if_cancelled()  # the client may have been cancelled where it was shielded
        if response.status_code != httpx2.codes.OK:
            raise self._unreachable(f"answered with status {response.status_code}")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._unreachable("answered with something else than a JSON object")
        if answer.get("busy"):
            raise BusyError(f"too many checks wait for {self._shown!r} already")
        return answer

    def _unreachable(self, problem: str) -> UnreachableError:
        return UnreachableError(f"the cluster at {self._shown!r} {problem}")


@asynccontextmanager
async def over_http(settings: RaySettings, deployment: str) -> AsyncIterator[Http]:
    """Keep connections to a deployment."""
    url = f"{(settings.address or '').rstrip('/')}/{settings.app}/{deployment}"
    limits = httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS)
    timeout = httpx2.Timeout(None, connect=_CONNECT)
    async with httpx2.AsyncClient(timeout=timeout, limits=limits) as client:
        yield Http(client, url)
