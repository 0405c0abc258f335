"""What the package offers to Handrail: the commands `server` and `server-key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the commands."""
    yield CommandSpec("server", "handrail_server._command:server", "Serve guarded models by OpenAI's protocol.")
    yield CommandSpec("server-key", "handrail_server._command:server_key", "Make an API key for a tenant.")
