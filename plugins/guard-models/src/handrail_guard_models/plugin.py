"""What the package offers to Handrail: rails that ask models which are trained to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS = "handrail_self_check:SelfCheckSettings"


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rails."""
    yield RailSpec(
        name="content safety check input",
        target="handrail_guard_models:ContentSafety",
        settings="handrail_guard_models:ContentSafetySettings",
        directions=("input",),
        config_key="content_safety",
        summary="Asks the model of the flow's $model whether the user's message is safe.",
    )
    yield RailSpec(
        name="content safety check output",
        target="handrail_guard_models:ContentSafety",
        settings="handrail_guard_models:ContentSafetySettings",
        directions=("output",),
        config_key="content_safety",
        summary="Asks the model of the flow's $model whether the answer is safe.",
    )
    yield RailSpec(
        name="llama guard check input",
        target="handrail_guard_models:LlamaGuard",
        settings=_SETTINGS,
        directions=("input",),
        summary="Asks the model of the type llama_guard whether the user's message is safe.",
        prompts=("llama_guard_check_input",),
    )
    yield RailSpec(
        name="llama guard check output",
        target="handrail_guard_models:LlamaGuard",
        settings=_SETTINGS,
        directions=("output",),
        summary="Asks the model of the type llama_guard whether the answer is safe.",
        prompts=("llama_guard_check_output",),
    )
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
