"""What fails a build: conditions on figures, and figures that are worse than those of a baseline."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "recall": ("stream", "recall", "value"),
    "precision": ("stream", "precision", "value"),
    "false_stops": ("stream", "false_stops", "value"),
    "whole_recall": ("whole", "recall", "value"),
    "whole_false_stops": ("whole", "false_stops", "value"),
    "failures": ("stream", "failed"),
    "failed_rows": ("failed_rows",),
    "timed_out": ("timed_out",),
    "leaked_characters": ("leaks", "leaked_characters"),
    "leaked_share": ("leaks", "leaked_share"),
    "leaking_rows": ("leaks", "rows", "value"),
    "delay": ("delay", "mean"),
    "delay_p95": ("delay", "p95"),
    "first_text": ("first_text", "mean"),
    "judged_over_generated": ("judged_over_generated",),
    "price": ("price",),
    "cascade_missed": ("cascades", "missed_rows"),
}
"""The figures that a condition may name, and where they are in `figures.json`."""

_LESS_IS_WORSE: Final = frozenset(("recall", "precision", "whole_recall"))
_COMPARED: Final = ("recall", "precision", "false_stops", "failures", "failed_rows", "leaked_share", "leaking_rows")
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*(?P<name>\w+)\s*(?P<operator>>=|<=|>|<)\s*(?P<value>[0-9.eE+-]+)\s*")


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition, and whether it let the build pass.

    Attributes:
        name: the condition, as it was written.
        passed: True if nothing is wrong.
        told: what was found.
    """

    name: str
    passed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A figure that must not be so."""

    text: str
    name: str
    operator: str
    value: float

    def check(self, figures: Mapping[str, Any]) -> Gate:
        """Check a run. A figure that could not be counted fails: nothing says that it is right."""
        found = figure(figures, self.name)
        if found is None:
            return Gate(self.text, passed=False, told=f"{self.name} could not be counted: no row has what it needs")
        failed = _OPERATORS[self.operator](found, self.value)
        return Gate(self.text, passed=not failed, told=f"{self.name} is {found:g}")


def conditions_of(texts: Iterable[str]) -> list[Condition]:
    """Return the conditions of `--fail-if`.

    Raises:
        ConfigurationError: one is none, or names an unknown figure.
    """
    return [_condition(text) for text in texts]


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"--fail-if has {text!r}; write FIGURE > NUMBER, such as 'false_stops > 0.01'")
    if match["name"] not in NAMES:
        raise ConfigurationError(f"--fail-if names the unknown figure {match['name']!r}; known: {', '.join(NAMES)}")
    try:
        value = float(match["value"])
    except ValueError:
        raise ConfigurationError(f"--fail-if has {text!r}, and {match['value']!r} is not a number") from None
    return Condition(text.strip(), match["name"], match["operator"], value)


def baseline_of(read: object, path: Path) -> Mapping[str, Any]:
    """Return the figures of an earlier run.

    Raises:
        ConfigurationError: it has none of those that are compared, so that everything would pass.
    """
    try:
        if isinstance(read, dict) and any(figure(read, name) is not None for name in _COMPARED):
            return read
    except (TypeError, ValueError):
        pass
    raise ConfigurationError(f"{path} is not a figures.json of a run: it has none of the figures that are compared")


def against_baseline(figures: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[Gate]:
    """Compare a run with the figures of an earlier one; a figure that the earlier one had must not be worse."""
    gates = []
    for name in _COMPARED:
        before, now = figure(baseline, name), figure(figures, name)
        if before is None:
            continue
        worse = now is None or (now < before if name in _LESS_IS_WORSE else now > before)
        shown = "could not be counted" if now is None else f"is {now:g}"
        gates.append(Gate(f"{name} against the baseline", not worse, f"{name} {shown}, and was {before:g}"))
    return gates


def figure(figures: Mapping[str, Any], name: str) -> float | None:
    """Return a figure by its name; None if it could not be counted."""
    found: Any = figures
    for part in NAMES[name]:
        found = found.get(part) if isinstance(found, dict) else None
    return None if found is None or not math.isfinite(found) else float(found)
