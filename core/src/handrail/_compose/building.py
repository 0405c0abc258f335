"""Builds what a plugin offers: imports its target, and calls it with settings and a context; and stands around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from handrail._plugins.discovery import FAILURES, reason
from handrail.errors import HandrailError, PluginLoadError

if TYPE_CHECKING:
    from handrail._plugins.registry import Offer


class Around:
    """What is asked in the place of a rail, and closes it.

    Attributes:
        rail: the rail.
    """

    def __init__(self, rail: Any) -> None:
        self.rail = rail

    async def aclose(self) -> None:
        """Close the rail, if it can be closed."""
        close = getattr(self.rail, "aclose", None)
        if close is not None:
            await close()


def built(offer: Offer[Any], settings: object, context: object) -> object:
    """Return the object that a plugin's target makes of its settings and, for most, a context.

    Raises:
        PluginLoadError: it cannot be imported, or raised an error that is not ours.
    """
    target = cast("Callable[[object, object], object]", offer.load())
    try:
        return target(settings, context)
    except HandrailError:
        raise
    except FAILURES as exc:
        raise PluginLoadError(
            f"{offer.plugin.label}: {offer.kind} {offer.spec.name!r} could not be built: {reason(exc)}",
            plugin=offer.plugin.label,
        ) from exc
