"""What the package offers to Handrail: the commands that it has itself, registered as anybody's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Yield the commands."""
    yield CommandSpec("chat", "handrail_cli._chat:chat", "Chat with a guarded model.")
    yield CommandSpec("check", "handrail_cli._check:check", "Load a configuration and report every problem.")
    yield CommandSpec(
        "completion", "handrail_cli._completion:completion", "Write a script that completes commands in a shell."
    )
    yield CommandSpec("doctor", "handrail_cli._doctor:doctor", "Try a configuration's keys, models and rails.")
    yield CommandSpec("lock", "handrail_cli._lock:lock", "Record which plugins are installed, with their hashes.")
    yield CommandSpec("migrate", "handrail_cli._migrate:migrate", "Explain a configuration written for another system.")
    yield CommandSpec("plugins", "handrail_cli._plugins:plugins", "List what is installed, and what is broken.")
    yield CommandSpec("schema", "handrail_cli._schema:schema", "Write the JSON Schema of a configuration, for editors.")
