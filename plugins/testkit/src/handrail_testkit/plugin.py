"""What the package offers to Handrail: the command that begins a new package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("new", "handrail_testkit._new:new", "Create a package with a rail, a provider or a strategy.")
