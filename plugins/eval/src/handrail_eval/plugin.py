"""What the package offers to Handrail: the command `eval`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("eval", "handrail_eval._command:app", "Measure what rails do to streams, on data.")
