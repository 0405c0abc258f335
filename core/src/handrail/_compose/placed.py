"""Rails that run elsewhere: what a placement makes in a rail's place."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, cast

from handrail._compose.building import Around, built
from handrail._compose.contexts import PlacementContext
from handrail._compose.planning import plugin_settings
from handrail.errors import InvalidRailsConfigurationError, PluginLoadError

if TYPE_CHECKING:
    from handrail._compose.contexts import RailContext
    from handrail._plugins.registry import Offer, Registry
    from handrail._protocols import WindowRail
    from handrail._specs import RailSpec
    from handrail.config import RailOptions


def placed(
    registry: Registry, offer: Offer[RailSpec], options: RailOptions, context: RailContext, flow: str, key: str
) -> tuple[object, str]:
    """Return what asks a rail where it runs, and the plugins behind both, for errors.

    Args:
        registry: where placements are found.
        offer: the rail.
        options: say where it runs.
        context: what the rail would be told here.
        flow: the flow's text.
        key: where the rail's settings stand below `rails.config`.

    Raises:
        HandrailError: the placement is unknown, its settings are wrong, or the rail cannot run elsewhere.
    """
    ((name, given),) = (options.place or {}).items()
    _refuse_sessions(offer, context.name)
    placement = registry.placement(name)
    settings = plugin_settings(context.config, placement, given, None, "rails", "config", key, "place", name)
    rail = built(placement, settings, PlacementContext(offer.spec, flow, options.timeout, context))
    label = f"{offer.label}, placed by {placement.label}"
    wanted = "open" if offer.spec.stateful else "check"
    if not callable(getattr(rail, wanted, None)):
        raise PluginLoadError(
            f"{label}: the placement {name!r} made {type(rail).__name__}; it must have {wanted!r}",
            plugin=placement.label,
        )
    return (rail if offer.spec.stateful else _Asked(cast("WindowRail", rail))), label


class _Asked(Around):
    """A rail that is asked about windows alone, whatever else the placement can."""

    def __init__(self, rail: WindowRail) -> None:
        super().__init__(rail)
        self.check = rail.check


def _refuse_sessions(offer: Offer[RailSpec], name: str) -> None:
    """Refuse a rail that is asked for each piece of text, and may not wait."""
    target = offer.load()
    if not offer.spec.stateful and inspect.isclass(target) and callable(getattr(target, "open", None)):
        raise InvalidRailsConfigurationError(
            f"rail {name!r} reads the stream and answers at once, so it must run in this process; remove 'place'"
        )
