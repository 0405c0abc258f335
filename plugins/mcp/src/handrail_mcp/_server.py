"""The rails as a server of MCP: one tool, `check`, over standard input and output."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from handrail import ConfigurationError, LLMRails, RailsConfig
from pydantic import Field

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


@dataclass(frozen=True, slots=True)
class Checked:
    """What rails say of a text.

    Attributes:
        status: "passed", "modified" if a rail rewrote it, "blocked" if one refused it or failed.
        content: the text as it may be used; after a block what to tell the user instead.
        rail: the flow that blocked it.
        failed: True if the rail did not refuse but could not do its work.
    """

    status: Literal["passed", "modified", "blocked"]
    content: str
    rail: str | None
    failed: bool


def server_of(rails: LLMRails) -> MCPServer:
    """Return a server whose tool `check` runs the rails.

    Raises:
        ConfigurationError: the SDK of MCP is not installed.
    """
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError as exc:
        raise ConfigurationError('the SDK of MCP is missing: pip install "handrail-mcp[server]"') from exc
    server = MCPServer("handrail", instructions="Checks texts with the rails of a configuration.")

    @server.tool()
    async def check(
        text: Annotated[str, Field(description="The text to check.")],
        direction: Annotated[
            Literal["input", "output"],
            Field(description="'input' for what a model is to read, 'output' for what a model has written."),
        ] = "input",
    ) -> dict[str, str | bool | None]:
        """Check a text with the guardrails: whether it may be used, and as what."""
        role = "user" if direction == "input" else "assistant"
        found = await rails.check_async([{"role": role, "content": text}], [direction])
        return asdict(Checked(found.status, found.content, found.rail, found.failed))

    return server


def run_server(config: Path) -> int:
    """Serve until the client goes; return the exit code.

    Raises:
        ConfigurationError: the configuration cannot be used, or the SDK of MCP is not installed.
    """
    server_of(LLMRails(RailsConfig.from_path(config))).run("stdio")
    return 0
