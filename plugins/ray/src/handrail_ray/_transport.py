"""How a placed rail asks its replicas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from handrail.errors import HandrailError

if TYPE_CHECKING:
    from handrail_ray._wire import Plain


class UnreachableError(HandrailError):
    """No replica has answered: it has died, moves, or cannot be reached. Whoever asks may ask another one."""


class BusyError(HandrailError):
    """Too many wait for the replicas already."""


class Transport(Protocol):
    """Carries requests to one deployment."""

    async def ask(self, request: Mapping[str, Any]) -> Plain:
        """Return what a replica answers; cancelling it takes the request back.

        Raises:
            UnreachableError: none has answered.
            BusyError: too many wait already.
        """
        ...
