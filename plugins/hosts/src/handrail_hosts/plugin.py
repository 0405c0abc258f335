"""What the package offers to Handrail: the command that prints the filter for Open WebUI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("open-webui", "handrail_hosts._command:open_webui", "Print the filter to paste into Open WebUI.")
