"""What the package offers to Handrail: the command `server`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("server", "handrail_server._command:server", "Serve guarded models by OpenAI's protocol.")
