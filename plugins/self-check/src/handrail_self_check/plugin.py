"""What the package offers to Handrail: the rails `self check input`, `self check output` and `self check facts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rails."""
    yield RailSpec(
        name="self check input",
        target="handrail_self_check:SelfCheckInput",
        settings="handrail_self_check:SelfCheckSettings",
        directions=("input",),
        summary="Asks a model whether the user's message must be blocked.",
        prompts=("self_check_input",),
    )
    yield RailSpec(
        name="self check output",
        target="handrail_self_check:SelfCheckOutput",
        settings="handrail_self_check:SelfCheckSettings",
        directions=("output",),
        summary="Asks a model whether the answer must be blocked.",
        prompts=("self_check_output",),
    )
    yield RailSpec(
        name="self check facts",
        target="handrail_self_check:SelfCheckFacts",
        settings="handrail_self_check:SelfCheckSettings",
        directions=("output",),
        summary="Asks a model whether the answer is supported by the evidence.",
        channels=("text",),
        prompts=("self_check_facts",),
    )
