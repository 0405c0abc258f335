"""`handrail mcp` and `handrail mcp-server`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail import LLMRails

logger = logging.getLogger("handrail.mcp")


def mcp(
    *command: str,
    config: Path,
    url: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
) -> int:
    """Guard the tools of an MCP server: `handrail mcp --config CONFIG -- COMMAND`.

    Stands between a client and the server. Output rails judge the arguments of
    tools, and whatever else the client sends, before the server sees it. Input
    rails judge results, and whatever else the server sends, before the client
    does. What is refused comes back as an error of the tool.

    Exit codes: 0 the client has gone, 2 wrong usage or configuration, else the server's own.

    Args:
        command: The server's command, after `--`; it is guarded over standard input and output.
        config: A folder with a configuration, or its file.
        url: Guard the server at this address over streamable HTTP, in place of a command.
        host: Address to listen on with --url.
        port: Port to listen on with --url; 0 for any free one.
    """
    from functools import partial

    import anyio
    from handrail import ConfigurationError
    from handrail_cli import log_to_stderr

    from handrail_mcp._guard import Guard
    from handrail_mcp._rails import load, unguarded

    if bool(command) == (url is not None):
        raise ConfigurationError("name the server once: 'handrail mcp --config CONFIG -- COMMAND', or --url URL")
    log_to_stderr()
    rails = load(config)
    for line in unguarded(rails):
        logger.warning(line)
    if url is not None:
        return _serve(rails, url, host=host, port=port)
    from handrail_mcp._stdio import own_stdout, run_stdio

    with own_stdout() as stdout:
        return anyio.run(partial(run_stdio, Guard(rails), command, stdout=stdout))


def _serve(rails: LLMRails, url: str, *, host: str, port: int) -> int:
    from handrail import ConfigurationError

    try:
        from handrail_mcp._http import serve
    except ImportError as exc:
        raise ConfigurationError('guarding over HTTP needs more: pip install "handrail-mcp[http]"') from exc
    return serve(rails, url, host=host, port=port)


def mcp_server(*, config: Path) -> int:
    """Offer the rails of a configuration as the tool `check` of an MCP server, over standard input and output.

    Exit codes: 0 the client has gone, 2 wrong usage or configuration.

    Args:
        config: A folder with a configuration, or its file.
    """
    from handrail_cli import log_to_stderr

    from handrail_mcp._server import run_server

    log_to_stderr()
    return run_server(config)
