"""What the package offers to Handrail."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import StrategySpec, hookimpl


@hookimpl
def handrail_strategies() -> Iterator[StrategySpec]:
    """Offer the strategy."""
    yield StrategySpec(
        name="clauses",
        target="handrail_clauses.strategy:Clauses",
        settings="handrail_clauses.settings:ClausesSettings",
        summary="Windows that end where a clause ends; the last clause is held until the next window has passed.",
    )
