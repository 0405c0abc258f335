"""What this package registers. Imported when plugins are looked up, so nothing heavy is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_rails() -> Iterator[RailSpec]:
    """Register the rails of this package, and the flows of existing configurations that they serve."""
    yield _rail(
        "regex check", "RegexCheck", "RegexCheckSettings", "Blocks or redacts what matches regular expressions."
    )
    yield _rail(
        "phrase check", "PhraseCheck", "PhraseCheckSettings", "Blocks or redacts phrases of a list, by the thousand."
    )
    yield _rail(
        "personal data check",
        "PersonalDataCheck",
        "KindsSettings",
        "Blocks or redacts e-mail addresses, card and account numbers, national ids and their like.",
    )
    yield _rail(
        "secret check",
        "SecretCheck",
        "KindsSettings",
        "Blocks or redacts private keys, tokens, API keys and connection strings.",
    )
    yield from _flows_of_existing_configurations("input")
    yield from _flows_of_existing_configurations("output")


def _rail(name: str, target: str, settings: str, summary: str) -> RailSpec:
    return RailSpec(
        name=name, target=f"handrail_patterns:{target}", settings=f"handrail_patterns:{settings}", summary=summary
    )


def _flows_of_existing_configurations(direction: Literal["input", "output"]) -> Iterator[RailSpec]:
    yield RailSpec(
        name=f"regex check {direction}",
        target="handrail_patterns:RegexDetection",
        settings="handrail_patterns:RegexDetectionSettings",
        directions=(direction,),
        config_key="regex_detection",
        summary=f"Blocks what matches regular expressions of rails.config.regex_detection.{direction}.",
    )
    for word, target, what in (("detect", "DetectSensitiveData", "Blocks"), ("mask", "MaskSensitiveData", "Redacts")):
        yield RailSpec(
            name=f"{word} sensitive data on {direction}",
            target=f"handrail_patterns:{target}",
            settings="handrail_patterns:SensitiveDataSettings",
            directions=(direction,),
            config_key="sensitive_data_detection",
            summary=f"{what} the entities of rails.config.sensitive_data_detection.{direction}.",
        )
