"""What the package offers to Handrail: the strategies `sentence`, `paragraph` and `whole`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import StrategySpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_strategies() -> Iterator[StrategySpec]:
    """Offer the strategies."""
    yield StrategySpec(
        name="sentence",
        target="handrail_strategies:Sentence",
        settings="handrail_strategies:SentenceSettings",
        summary="Windows of whole sentences of any script; the last one is held until the next window has passed.",
    )
    yield StrategySpec(
        name="paragraph",
        target="handrail_strategies:Paragraph",
        settings="handrail_strategies:ParagraphSettings",
        summary="Windows of whole paragraphs; the last one is held until the next window has passed.",
    )
    yield StrategySpec(
        name="whole",
        target="handrail_strategies:Whole",
        settings="handrail_strategies:WholeSettings",
        summary="One window with the whole answer; nothing is delivered before it has passed.",
    )
