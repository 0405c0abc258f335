"""What the package offers to Handrail: the commands `server` and `server-key`, and the dialects that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, DialectSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the commands."""
    yield CommandSpec("server", "handrail_server._command:server", "Serve guarded models over HTTP.")
    yield CommandSpec("server-key", "handrail_server._command:server_key", "Make an API key for a tenant.")


@hookimpl
def handrail_dialects() -> Iterator[DialectSpec]:
    """Offer the dialects."""
    yield DialectSpec("chat", "handrail_server._dialects:ChatCompletions", "OpenAI's Chat Completions.")
    yield DialectSpec("responses", "handrail_server._dialects:Responses", "OpenAI's Responses.")
    yield DialectSpec("messages", "handrail_server._dialects:Messages", "Anthropic's Messages.")
