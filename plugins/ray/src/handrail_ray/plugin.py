"""What the package offers to Handrail: the placement `ray`, and the command `ray`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, PlacementSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_placements() -> Iterator[PlacementSpec]:
    """Offer the placement."""
    yield PlacementSpec(
        "ray",
        "handrail_ray:RayRail",
        settings="handrail_ray:RaySettings",
        summary="Runs the rail in replicas of a Ray Serve deployment.",
    )


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("ray", "handrail_ray._command:app", "Deploy the placed rails of a configuration on Ray Serve.")
