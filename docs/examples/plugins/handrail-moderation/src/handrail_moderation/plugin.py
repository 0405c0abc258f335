"""What the package offers to Handrail."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import RailSpec, hookimpl


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rail."""
    yield RailSpec(
        name="harbour moderation",
        target="handrail_moderation.rail:ModerationRail",
        settings="handrail_moderation.settings:ModerationSettings",
        summary="Asks a moderation service about each window, and blocks what it rates too high.",
    )
