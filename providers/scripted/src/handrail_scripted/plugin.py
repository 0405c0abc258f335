"""What the package offers to Handrail: the engine `scripted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_providers() -> Iterator[ProviderSpec]:
    """Offer the engine."""
    yield ProviderSpec(
        name="scripted",
        target="handrail_scripted:ScriptedProvider",
        settings="handrail_scripted:ScriptedSettings",
        summary="Answers from a script, at a set pace: for demonstrations and tests.",
    )
