"""Connections to services: one pool for all rails of an `LLMRails` on an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
from handrail.errors import RailError

if TYPE_CHECKING:
    from handrail import RailContext

_CONNECT, _ANSWER = 15.0, 60.0  # seconds
_AT_FAULT = {400, 413, 422}  # statuses that one text may have caused


class TextRefusedError(ValueError):
    """A service did not take the texts; which of them is at fault shows when fewer are asked about."""


class Connections:
    """Sends requests to one service.

    Args:
        context: the rail's.
        url: where the service is.
        headers: of each request.
    """

    def __init__(self, context: RailContext, url: str, headers: Mapping[str, str]) -> None:
        self._context = context
        self._url = url
        self._shown = httpx2.URL(url).host
        self._headers = dict(headers)

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        """Return what a service answers, decoded. No error has anything of what was sent or answered.

        Raises:
            TextRefusedError: it did not take the texts.
            RailError: it could not be reached, or failed.
        """
        client = await self._context.shared("handrail-detectors connections", _pool)
        problem = ""
        try:
            response = await client.post(self._url + path, json=body, headers={**self._headers, **(headers or {})})
            if response.status_code in _AT_FAULT:
                raise TextRefusedError(f"the classifier's service refused the request: status {response.status_code}")
            if response.status_code == httpx2.codes.OK:
                return response.json()
            problem = f"answered with status {response.status_code}"
        except httpx2.TimeoutException:
            problem = "did not answer in time"
        except httpx2.RequestError as exc:
            problem = f"could not be reached: {type(exc).__name__}"
        except TextRefusedError:
            raise
        except ValueError:
            problem = "answered with something that is not valid JSON"
        rail = self._context.name
        raise RailError(f"rail {rail!r}: the service at {self._shown!r} {problem}", rail=rail)


@asynccontextmanager
async def _pool() -> AsyncGenerator[httpx2.AsyncClient, None]:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)  # rails bound what they ask at once
    client = httpx2.AsyncClient(timeout=httpx2.Timeout(_ANSWER, connect=_CONNECT), limits=limits)
    try:
        yield client
    finally:
        with anyio.CancelScope(shield=True):
            await client.aclose()
