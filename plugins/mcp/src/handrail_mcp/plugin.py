"""What the package offers to Handrail: the commands `mcp` and `mcp-server`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the commands."""
    yield CommandSpec("mcp", "handrail_mcp._command:mcp", "Guard the tools of an MCP server.")
    yield CommandSpec("mcp-server", "handrail_mcp._command:mcp_server", "Offer the rails as a tool of an MCP server.")
