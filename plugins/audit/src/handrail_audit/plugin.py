"""What the package offers to Handrail: the observer `audit`, and the command that reads what it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import CommandSpec, ObserverSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_observers() -> Iterator[ObserverSpec]:
    """Offer the observer."""
    yield ObserverSpec(
        "audit",
        "handrail_audit._observer:Audit",
        settings="handrail_audit._observer:AuditSettings",
        summary="Writes one line for each decision that stopped or changed an answer, would have, or failed.",
    )


@hookimpl
def handrail_commands() -> Iterator[CommandSpec]:
    """Offer the command."""
    yield CommandSpec("audit", "handrail_audit._command:app", "Read, check and review a record of decisions.")
