"""What the package offers to Handrail: the rail `tool call validation`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rail."""
    yield RailSpec(
        name="tool call validation",
        target="handrail_tools:ToolCallValidation",
        settings="handrail_tools:ToolSettings",
        directions=("output",),
        summary="Lets tool calls pass only if their arguments are what the tool's JSON Schema takes.",
        channels=("tool_calls",),
        whole=True,
    )
