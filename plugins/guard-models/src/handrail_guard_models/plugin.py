"""What the package offers to Handrail: rails that ask models which are trained to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail import Direction

_SETTINGS = "handrail_self_check:SelfCheckSettings"
_JUDGED = {"input": "the user's message", "output": "the answer"}


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rails."""
    yield from _safety_checks("input")
    yield from _safety_checks("output")
    yield RailSpec(
        name="topic safety check input",
        target="handrail_guard_models:TopicSafety",
        directions=("input",),
        summary="Asks the model of the flow's $model whether the conversation keeps to its topics.",
    )
    yield RailSpec(
        name="patronus lynx check output hallucination",
        target="handrail_guard_models:LynxFacts",
        settings=_SETTINGS,
        directions=("output",),
        summary="Asks the model of the type patronus_lynx whether the answer is supported by the evidence.",
        channels=("text",),
        prompts=("patronus_lynx_check_output_hallucination",),
    )


def _safety_checks(direction: Direction) -> Iterator[RailSpec]:
    yield RailSpec(
        name=f"content safety check {direction}",
        target="handrail_guard_models:ContentSafety",
        settings="handrail_guard_models:ContentSafetySettings",
        directions=(direction,),
        config_key="content_safety",
        summary=f"Asks the model of the flow's $model whether {_JUDGED[direction]} is safe.",
    )
    yield RailSpec(
        name=f"llama guard check {direction}",
        target="handrail_guard_models:LlamaGuard",
        settings=_SETTINGS,
        directions=(direction,),
        summary=f"Asks the model of the type llama_guard whether {_JUDGED[direction]} is safe.",
        prompts=(f"llama_guard_check_{direction}",),
    )
