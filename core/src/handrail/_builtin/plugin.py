"""The kernel's own plugin: the `rolling` strategy."""

from __future__ import annotations

from collections.abc import Iterable

from handrail.plugins import StrategySpec, hookimpl


@hookimpl
def handrail_strategies() -> Iterable[StrategySpec]:
    """Offer the windows that overlap and hold their tail."""
    yield StrategySpec(
        name="rolling",
        target="handrail._builtin.rolling:Rolling",
        summary="Windows of tokens that overlap; each one's tail is held until the next has passed.",
    )
