"""What the package offers to Handrail: classifiers as rails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Offer the rails."""
    yield from _classifiers()
    yield RailSpec(
        name="token classifier",
        target="handrail_detectors:TokenClassifier",
        settings="handrail_detectors:TokenSettings",
        summary="Blocks what a causal token classifier scores too high; it reads each stream once, as it comes.",
        rewrites=False,
        stateful=True,
    )
    yield RailSpec(
        name="jailbreak detection model",
        target="handrail_detectors:JailbreakModel",
        settings="handrail_detectors:JailbreakSettings",
        directions=("input",),
        config_key="jailbreak_detection",
        summary="Blocks what NVIDIA's jailbreak detector, or a server that answers like it, takes for a jailbreak.",
        rewrites=False,
    )
    for name in ("toxicity classifier", "injection classifier"):
        summary = f"A classifier under the name {name!r}, so that several can be used beside one another."
        yield _classifier(name, "NamedSettings", summary)


def _classifiers() -> Iterator[RailSpec]:
    yield _classifier(
        "classifier",
        "ClassifierSettings",
        "Blocks what a classifier scores too high; by default a small one that ships with the package.",
    )
    yield _classifier(
        "moderation classifier", "ModerationSettings", "Blocks what OpenAI's moderation endpoint scores too high."
    )


def _classifier(name: str, settings: str, summary: str) -> RailSpec:
    return RailSpec(
        name=name,
        target="handrail_detectors:Classifier",
        settings=f"handrail_detectors:{settings}",
        summary=summary,
        rewrites=False,
    )
