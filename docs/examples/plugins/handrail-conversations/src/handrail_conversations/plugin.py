"""What the package offers to Handrail."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import RailSpec, hookimpl


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rails."""
    yield RailSpec(
        name="three strikes",
        target="handrail_conversations.strikes:ThreeStrikes",
        settings="handrail_conversations.settings:StrikesSettings",
        directions=("input",),
        summary="Ends a conversation whose user has been warned too often.",
    )
    yield RailSpec(
        name="pseudonyms",
        target="handrail_conversations.pseudonyms:pseudonyms",
        settings="handrail_conversations.settings:PseudonymsSettings",
        summary="Hides e-mail addresses from the model, and puts them back into its answer.",
    )
