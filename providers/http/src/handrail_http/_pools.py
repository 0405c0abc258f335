"""Connections that clients share: one pool for each event loop and address, closed by the last client that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from urllib.request import getproxies
from weakref import WeakSet, WeakValueDictionary

import httpx2
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    import ssl

    _Place: TypeAlias = tuple[object, ...]

_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
_pools: WeakValueDictionary[_Place, _Pool] = WeakValueDictionary()


class SharedTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of one client, which serves one event loop, by connections that others use, too.

    Keys, headers and cookies are the client's and stay with it; a connection has none of them. The pool is that of the
    first request's origin, and of the proxies that the environment names then.

    Args:
        tls: checks certificates; clients that share it share connections.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._pool: _Pool | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the first one opens the pool, unless another client has."""
        if self._pool is None:
            self._pool = _pool_of(request.url, self._tls)
            self._pool.users.add(self)
        return await self._pool.handle(request)

    async def aclose(self) -> None:
        """Leave the pool. Whoever is the last closes its connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.left_by(self)


class _Pool(httpx2.AsyncClient):
    """Connections to one origin, direct or by the environment's proxies, which httpx2 chooses for its clients only."""

    def __init__(self, place: _Place, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, limits=_LIMITS)
        self.users: WeakSet[SharedTransport] = WeakSet()  # a client that nobody closes keeps no connection open
        self._place = place

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        return await self._transport_for_url(request.url).handle_async_request(request)

    async def left_by(self, user: SharedTransport) -> None:
        self.users.discard(user)
        if not self.users:
            _pools.pop(self._place, None)  # whoever comes while it closes opens another
            await self.aclose()


def _pool_of(url: httpx2.URL, tls: ssl.SSLContext) -> _Pool:
    origin = (url.scheme, url.host, url.port)
    place = (current_token().native_token, origin, tls, tuple(sorted(getproxies().items())))
    pool = _pools.get(place)
    if pool is None:
        pool = _pools[place] = _Pool(place, tls)
    return pool
