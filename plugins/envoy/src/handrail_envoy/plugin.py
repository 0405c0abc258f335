"""What the package offers to Handrail: the command `envoy-processor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("envoy-processor", "handrail_envoy._command:envoy_processor", "Guard what passes through Envoy.")
