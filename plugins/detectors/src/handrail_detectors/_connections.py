"""Connections to a service: kept for each event loop, closed with it at the latest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, TypeAlias

import anyio
import httpx2
from anyio.lowlevel import RunVar, current_token
from handrail.errors import RailError

_CONNECT, _ANSWER = 15.0, 60.0  # seconds
_AT_FAULT = {400, 413, 422}  # statuses that one text may have caused

Kept: TypeAlias = tuple[httpx2.AsyncClient, AsyncGenerator[None, None]]


_open: RunVar[set[object]] = RunVar("handrail_detectors_open")


class TextRefusedError(ValueError):
    """A service did not take the texts; which of them is at fault shows when fewer are asked about."""


class Connections:
    """Sends requests with connections of the running event loop.

    An event loop that ends closes the asynchronous generators that it has begun, so a client is kept by one, and the
    loop keeps that.

    Args:
        rail: the flow's name, for errors.
        url: where the service is.
        headers: of each request.
    """

    def __init__(self, rail: str, url: str, headers: Mapping[str, str]) -> None:
        self._rail = rail
        self._url = url
        self._shown = httpx2.URL(url).host
        self._headers = dict(headers)
        self._kept: dict[object, Kept] = {}

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        """Return what a service answers, decoded. No error has anything of what was sent or answered.

        Raises:
            TextRefusedError: it did not take the texts.
            RailError: it could not be reached, or failed.
        """
        client = await self._client()
        problem = ""
        try:
            response = await client.post(self._url + path, json=body, headers=dict(headers or {}))
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
        raise RailError(f"rail {self._rail!r}: the service at {self._shown!r} {problem}", rail=self._rail)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        kept = self._kept.get(current_token().native_token)
        if kept is not None:
            await kept[1].aclose()

    async def _client(self) -> httpx2.AsyncClient:
        loop = current_token().native_token
        kept = self._kept.get(loop)
        if kept is None:
            client = httpx2.AsyncClient(timeout=httpx2.Timeout(_ANSWER, connect=_CONNECT), headers=self._headers)
            kept = self._kept[loop] = (client, self._keep(loop, client))
            _open.set({*_open.get(set()), kept[1]})
            await anext(kept[1])
        return kept[0]

    async def _keep(self, loop: object, client: httpx2.AsyncClient) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _, keeper = self._kept.pop(loop)
            _open.set(_open.get(set()) - {keeper})
            with anyio.CancelScope(shield=True):
                await client.aclose()
