"""Flows of existing configurations: `regex_detection` and `sensitive_data_detection` below `rails.config`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from handrail.errors import ConfigurationError
from pydantic import BaseModel, ConfigDict, Field

from handrail_patterns._actions import Action, ActionName
from handrail_patterns._kind import Kind, Way
from handrail_patterns._making import nothing_to_look_for, place, rules_of
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._rails import PatternRail
from handrail_patterns._regex import Patterns
from handrail_patterns._rule import DEFAULT_LIMIT, Rule, make_rule
from handrail_patterns._settings import ActionSettings

if TYPE_CHECKING:
    from handrail import RailContext


class _Accepted(BaseModel):
    """Settings that may have keys of which streams of text make no use."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class RegexDetectionOptions(_Accepted):
    """What one direction looks for.

    Attributes:
        patterns: regular expressions; text in which one matches is blocked.
        case_insensitive: whether upper and lower case are one.
        max_match: the longest match, in characters; a longer one blocks.
    """

    patterns: tuple[str, ...] = ()
    case_insensitive: bool = False
    max_match: int | None = Field(default=None, ge=1)


class RegexDetectionSettings(_Accepted):
    """Settings of `regex check input` and `regex check output`, under `rails.config.regex_detection`.

    Attributes:
        input: for messages of the user.
        output: for answers.
    """

    input: RegexDetectionOptions = RegexDetectionOptions()
    output: RegexDetectionOptions = RegexDetectionOptions()


class SensitiveDataOptions(_Accepted):
    """What one direction looks for.

    Attributes:
        entities: names of kinds of data, as Presidio has them.
        mask_token: what stands in for masked text; by default the entity's name in angle brackets.
    """

    entities: tuple[str, ...] = ()
    mask_token: str | None = None


class SensitiveDataSettings(_Accepted):
    """Settings of the flows on sensitive data, under `rails.config.sensitive_data_detection`.

    Attributes:
        input: for messages of the user.
        output: for answers.
        recognizers: further kinds of data, each a mapping with `name` and `patterns`, as Presidio has them.
    """

    input: SensitiveDataOptions = SensitiveDataOptions()
    output: SensitiveDataOptions = SensitiveDataOptions()
    recognizers: tuple[dict[str, Any], ...] = ()


_NO_FOLDING = ActionSettings(action="block")
_FOLDING = ActionSettings(action="block", see_through=("unicode", "invisible", "marks", "markup"))

_KINDS_OF_ENTITIES: Mapping[str, str] = {
    "CREDIT_CARD": "payment_card",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "MAC_ADDRESS": "mac_address",
    "PHONE_NUMBER": "phone",
    "ES_NIE": "es_nif",
    "FI_PERSONAL_IDENTITY_CODE": "fi_hetu",
    "SG_NRIC_FIN": "sg_nric",
}
_FURTHER_ENTITIES: Mapping[str, str] = {
    "URL": r"(?<![0-9A-Za-z])(?i:https?|ftp)://[^\s<>\"']{1,2048}",
    "US_ITIN": r"(?<![0-9A-Za-z])9\d{2}[- ]?(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])[- ]?\d{4}(?![0-9A-Za-z])",
    "IN_PAN": r"(?<![0-9A-Za-z])[A-Za-z]{3}[ABCFGHJLPTabcfghjlpt][A-Za-z]\d{4}[A-Za-z](?![0-9A-Za-z])",
    "CRYPTO": r"(?<![0-9A-Za-z])(?:bc1[a-z0-9]{25,60}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|0x[0-9a-fA-F]{40})"
    r"(?![0-9A-Za-z])",
}


class RegexDetection(PatternRail):
    """Blocks what matches the regular expressions of its direction.

    Raises:
        ConfigurationError: no pattern is configured, or one that cannot be used on a stream.
    """

    def __init__(self, settings: RegexDetectionSettings, context: RailContext) -> None:
        options = settings.input if context.direction == "input" else settings.output
        if not options.patterns:
            raise nothing_to_look_for(context, f"{context.direction}.patterns", "a pattern", below="regex_detection")
        rules = [_blocking_rule(pattern, order, options, context) for order, pattern in enumerate(options.patterns)]
        super().__init__(Patterns(rules), _NO_FOLDING, context)


class _SensitiveData(PatternRail):
    action: ActionName

    def __init__(self, settings: SensitiveDataSettings, context: RailContext) -> None:
        options = settings.input if context.direction == "input" else settings.output
        if not options.entities:
            below = "sensitive_data_detection"
            raise nothing_to_look_for(context, f"{context.direction}.entities", "an entity", below=below)
        rules: list[Rule] = []
        for order, entity in enumerate(options.entities):
            action = Action(self.action, entity, options.mask_token or f"<{entity}>")
            kinds = [*_shipped_kinds(entity), *_recognized_kinds(settings, entity)]
            if not kinds:
                raise ConfigurationError(_not_a_pattern(entity, context))
            rules.extend(rules_of(kinds, {entity: action}, first=order))
        super().__init__(Patterns(rules), _FOLDING, context)


class DetectSensitiveData(_SensitiveData):
    """Blocks text with any of the entities of its direction.

    Raises:
        ConfigurationError: there is no entity, or one that patterns cannot find.
    """

    action = "block"


class MaskSensitiveData(_SensitiveData):
    """Replaces the entities of its direction.

    Raises:
        ConfigurationError: there is no entity, or one that patterns cannot find.
    """

    action = "redact"


def _blocking_rule(pattern: str, order: int, options: RegexDetectionOptions, context: RailContext) -> Rule:
    action = Action("block", "REGEX")
    ignore_case = options.case_insensitive
    try:
        return make_rule(
            f"pattern {order + 1}",
            pattern,
            action,
            ignore_case=ignore_case,
            limit=options.max_match,
            order=order,
            whole_text=context.direction == "input",
        )
    except ConfigurationError as exc:
        where = place(context, context.direction, "patterns", order, below="regex_detection")
        raise ConfigurationError(f"{where}{exc}") from exc


def _shipped_kinds(entity: str) -> Iterator[Kind]:
    """Return the kind that is this entity, under the entity's name."""
    if pattern := _FURTHER_ENTITIES.get(entity):
        yield Kind(entity, entity, (Way(pattern),))
    name = _KINDS_OF_ENTITIES.get(entity, entity.lower())
    yield from (replace(kind, name=entity) for kind in PERSONAL_DATA if kind.name == name)


def _recognized_kinds(settings: SensitiveDataSettings, entity: str) -> Iterator[Kind]:
    """Read the patterns and the words that a configuration adds for an entity, in Presidio's form."""
    for recognizer in settings.recognizers:
        if recognizer.get("supported_entity") == entity:
            for pattern in recognizer.get("patterns") or ():
                yield Kind(entity, entity, (Way(str(pattern["regex"]), limit=DEFAULT_LIMIT),), is_ours=False)
            if words := recognizer.get("deny_list"):
                listed = "|".join(re.escape(str(word)) for word in words)
                yield Kind(entity, entity, (Way(rf"(?<!\w)(?:{listed})(?!\w)"),), is_ours=False)


def _not_a_pattern(entity: str, context: RailContext) -> str:
    own = {kind.name.upper() for kind in PERSONAL_DATA} - {name.upper() for name in _KINDS_OF_ENTITIES.values()}
    known = sorted({*_KINDS_OF_ENTITIES, *_FURTHER_ENTITIES, *own})
    nearest = get_close_matches(entity, known, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return (
        f"flow {context.name!r}: {entity!r} cannot be detected by patterns; {hint}remove it from 'entities', "
        f"and guard it with a rail that asks a model. Patterns find {', '.join(known)}"
    )
