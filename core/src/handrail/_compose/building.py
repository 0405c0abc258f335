"""Builds what a plugin offers: imports its target, and calls it with settings and a context."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from handrail._records import message_of
from handrail.errors import HandrailError, PluginLoadError

if TYPE_CHECKING:
    from handrail._plugins.registry import Offer


def built(offer: Offer[Any], settings: object, context: object) -> object:
    """Return the object that a plugin's target makes.

    Raises:
        PluginLoadError: it cannot be imported, or raised an error that is not ours.
    """
    target = cast("Callable[[object, object], object]", offer.load())
    try:
        return target(settings, context)
    except HandrailError:
        raise
    except Exception as exc:
        raise PluginLoadError(
            f"{offer.plugin.label}: {offer.spec.name!r} could not be built: {type(exc).__name__}: {message_of(exc)}",
            plugin=offer.plugin.label,
        ) from exc
