"""The names that a configuration may write, for its JSON Schema: which there are, what each means, how it is spelt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel

from handrail._specs import PlacementSpec, ProviderSpec, RailSpec, StrategySpec
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from handrail.config._catalogue import Offered

Spec: TypeAlias = ProviderSpec | RailSpec | StrategySpec | PlacementSpec

_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|/]")
_ARGUMENT = r"""\$\w[\w.-]*\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'$]+)"""


@dataclass(frozen=True, slots=True)
class Served:
    """A name that a configuration may write.

    Attributes:
        name: as it is written.
        text: what it means, and who serves it.
        spec: what the plugin registered; None if two plugins offer the name.
        settings: the model of its settings, if it has one.
        takes_anything: whether nothing is known of its settings.
    """

    name: str
    text: str
    spec: Spec | None
    settings: type[BaseModel] | None
    takes_anything: bool


def choice(names: Iterable[Served]) -> list[dict[str, Any]]:
    """Write names with what they mean; where there are none, nothing fits."""
    return [{"const": one.name, "description": one.text} for one in names] or [{"not": {}}]


def flow_pattern(names: Iterable[str]) -> str:
    """Write the expression of a flow with arguments."""
    words = "|".join(r"\s+".join(_SPECIAL.sub(r"\\\g<0>", word) for word in name.split()) for name in names)
    return rf"^\s*({words or '(?!)'})(\s+{_ARGUMENT})*\s*$"


def any_spelling(normalized: str) -> str:
    """Write the expression of a rail's name, in which case and what is between words make no difference."""
    return r"^\s*" + r"[\s_-]+".join(map(_any_case, normalized.split("_"))) + r"\s*$"


def _any_case(word: str) -> str:
    spelt = []
    for letter in word:
        both = {letter.upper(), letter.lower()}
        spelt.append(f"[{''.join(sorted(both))}]" if len(both) == 2 else _SPECIAL.sub(r"\\\g<0>", letter))
    return "".join(spelt)


def served(names: Iterable[str], find: Callable[[str], Offered]) -> Iterator[Served]:
    """Yield what each name means, those that two plugins offer and those with settings that cannot be imported too."""
    for name in names:
        try:
            offer = find(name)
        except HandrailError as error:
            yield Served(name, f"Cannot be used: {error}", None, None, takes_anything=True)
            continue
        spec = offer.spec
        text = f"{spec.summary} ({offer.plugin.label})".strip()
        try:
            settings = offer.load_settings()
        except HandrailError as error:
            yield Served(name, f"{text} {error}", spec, None, takes_anything=True)
            continue
        model = settings if settings is not None and issubclass(settings, BaseModel) else None
        # A strategy without a model is given the kernel's own settings, anything else whatever is written.
        anything = model is None and not (isinstance(spec, StrategySpec) and settings is None)
        yield Served(name, text, spec, model, takes_anything=anything)
