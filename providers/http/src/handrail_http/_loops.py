"""One client per event loop, closed with it; connections belong to the loop that opened them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Generic, Protocol, TypeVar

import anyio
from anyio.lowlevel import current_token


class _Closable(Protocol):
    async def close(self) -> None: ...


Client = TypeVar("Client", bound=_Closable)


class PerLoop(Generic[Client]):
    """Returns the client of the running event loop.

    An event loop that ends closes the asynchronous generators that it has begun, so a client is kept by one: its
    connections are closed with the loop at the latest, also where a synchronous call runs a loop of its own.

    Args:
        make: makes a client. It is called here once, and not at the first request, for it may take half a second.
        given: a client of the program, which is used in all loops and never closed.
    """

    def __init__(self, make: Callable[[], Client], *, given: Client | None = None) -> None:
        self._make = make
        self._given = given
        self._kept: dict[object, tuple[Client, AsyncGenerator[None, None]]] = {}
        self._spare = make() if given is None else None

    async def get(self) -> Client:
        """Return the client that was handed in, or one of our own."""
        if self._given is not None:
            return self._given
        loop = current_token().native_token
        kept = self._kept.get(loop)
        if kept is None:
            client, self._spare = self._spare or self._make(), None
            kept = self._kept[loop] = (client, self._keep(loop, client))
            await anext(kept[1])
        return kept[0]

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A client that was handed in is left open."""
        kept = self._kept.get(current_token().native_token)
        if kept is not None:
            await kept[1].aclose()

    async def _keep(self, loop: object, client: Client) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            del self._kept[loop]
            with anyio.CancelScope(shield=True):
                await client.close()
