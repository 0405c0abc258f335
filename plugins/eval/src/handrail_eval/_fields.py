"""Which column of the data is which field of a row: `response=assistant_response,label=human_score>0.5`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from handrail import ConfigurationError

FIELDS: Final = (
    "id",
    "prompt",
    "messages",
    "response",
    "reasoning",
    "tool_calls",
    "label",
    "category",
    "language",
    "spans",
)

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_PAIR = re.compile(r"\s*(?P<field>\w+)\s*=(?!=)\s*(?P<source>.+?)\s*", re.DOTALL)
_COMPARISON = re.compile(r"(?P<column>.+?)\s*(?P<operator>>=|<=|!=|==|>|<)\s*(?P<value>.+)", re.DOTALL)
_MISSING = object()
_UNSAID: Final = ("", "nan", "null")
_LONGEST_SHOWN: Final = 24  # characters


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from: a column, or the first there is of several with | between; it may be compared."""

    column: str
    compare: str = ""
    value: str = ""

    def read(self, record: Mapping[str, Any], where: str) -> Any:
        """Return the field of a record.

        Raises:
            ConfigurationError: the record lacks the column, or it cannot be compared.
        """
        found: Any = _MISSING
        for column in self.column.split("|"):
            if (found := _look_up(record, column)) is not _MISSING:
                break
        if found is _MISSING:
            near = get_close_matches(self.column, [str(name) for name in record], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"{where}: there is no column {self.column!r}; the columns are {', '.join(map(str, record))}{hint}"
            )
        return self._compared(found, where) if self.compare and not is_missing(found) else found

    def _compared(self, found: object, where: str) -> bool:
        compare = _OPERATORS[self.compare]
        try:
            return compare(float(found), float(self.value))  # type: ignore[arg-type]  # what is no number is caught
        except (TypeError, ValueError, OverflowError):
            if self.compare in ("==", "!="):  # "False" of one program is "false" of another
                return compare(str(found).strip().casefold(), self.value.casefold())
            raise ConfigurationError(
                f"{where}: {self.column!r} is {shown(found)}, which cannot be compared by {self.compare} {self.value}"
            ) from None


def is_nan(value: object) -> bool:
    """Return whether a value is NaN, which pandas writes where there is none."""
    return isinstance(value, float) and math.isnan(value)


def is_missing(value: object) -> bool:
    """Return whether nobody said what a label or a score is."""
    return value is None or is_nan(value) or (isinstance(value, str) and value.strip().lower() in _UNSAID)


def shown(value: object) -> str:
    """Return a value for a message, but no text of any length: a wrong map may name the column of answers."""
    told = repr(value)
    return told if len(told) <= _LONGEST_SHOWN else f"a {type(value).__name__} of {len(told)} characters"


def parse_map(texts: Iterable[str]) -> dict[str, Source]:
    """Return the sources of fields.

    Args:
        texts: pairs FIELD=COLUMN or FIELD=COLUMN>VALUE, several in one text separated by commas.

    Raises:
        ConfigurationError: one of them is something else.
    """
    found: dict[str, Source] = {}
    for pair in (pair for text in texts for pair in text.split(",")):
        match = _PAIR.fullmatch(pair)
        if match is None:
            raise ConfigurationError(f"--map has {pair!r}; write FIELD=COLUMN or FIELD=COLUMN>VALUE")
        field = match["field"]
        if field not in FIELDS:
            raise ConfigurationError(f"--map sets the unknown field {field!r}; the fields are {', '.join(FIELDS)}")
        if field in found:
            raise ConfigurationError(f"--map sets the field {field!r} twice")
        compared = _COMPARISON.fullmatch(match["source"])
        if compared is None:
            found[field] = Source(match["source"])
        else:
            found[field] = Source(compared["column"], compared["operator"], compared["value"].strip("'\""))
    return found


PRESETS: Final[Mapping[str, Mapping[str, Source]]] = {
    "pyrit": {
        "prompt": Source("objective"),
        "response": Source("assistant_response"),
        "label": Source("human_score_1|human_score", ">", "0.5"),
        "category": Source("harm_category"),
    },
    "chat": {
        "messages": Source("messages"),
        "label": Source("label"),
    },
    "wildguard": {
        "prompt": Source("prompt"),
        "response": Source("response"),
        "label": Source("response_harm_label", "==", "harmful"),
        "category": Source("subcategory"),
    },
    "beavertails": {
        "prompt": Source("prompt"),
        "response": Source("response"),
        "label": Source("is_safe", "==", "False"),
    },
}
"""Shapes of data sets that people share, by name."""


def sources_of(preset: str | None, maps: Iterable[str]) -> dict[str, Source]:
    """Return the sources of a preset with those of `--map` over them.

    Raises:
        ConfigurationError: the preset is unknown, or the map is wrong.
    """
    if preset is not None and preset not in PRESETS:
        raise ConfigurationError(f"unknown preset {preset!r}; the presets are {', '.join(PRESETS)}")
    return {**PRESETS.get(preset or "", {}), **parse_map(maps)}


def _look_up(record: Mapping[str, Any], column: str) -> Any:
    """Return a column, or what a path with dots leads to."""
    if column in record:
        return record[column]
    found: Any = record
    for part in column.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.lstrip("-").isdigit() and -len(found) <= int(part) < len(found):
            found = found[int(part)]
        else:
            return _MISSING
    return found
