"""One row of data: a prompt, an answer, and what people say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from handrail import ConfigurationError

from handrail_eval._fields import is_missing, shown

_VIOLATION = frozenset(
    ("1", "1.0", "true", "yes", "y", "unsafe", "harmful", "violation", "toxic", "bad", "block", "blocked")
)
_HARMLESS = frozenset(
    ("0", "0.0", "false", "no", "n", "safe", "harmless", "unharmful", "benign", "ok", "good", "allow")
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        index: its place in the data, from 0.
        id: its name, by which two runs are paired; its place where the data has none.
        where: file and line, for messages.
        messages: the conversation that the answer belongs to; empty if there is none.
        response: the answer; None if only the prompt is to be judged.
        reasoning: what the model thought before.
        tool_calls: name and arguments of each call.
        label: True if the answer (or the prompt, where there is no answer) is a violation; None if nobody said.
        spans: the characters of the answer that are the violation, where they are known.
    """

    index: int
    id: str
    where: str
    messages: tuple[Mapping[str, Any], ...] = ()
    response: str | None = None
    reasoning: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    label: bool | None = None
    category: str = ""
    language: str = ""
    spans: tuple[tuple[int, int], ...] = ()


def label_of(value: object, where: str) -> bool | None:
    """Return what a label says; None if it is empty.

    Raises:
        ConfigurationError: it is no word that is known.
    """
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal) and value in (0, 1):
        return value == 1
    word = str(value).strip().lower()
    if word in _VIOLATION:
        return True
    if word in _HARMLESS:
        return False
    raise ConfigurationError(
        f"{where}: the label {shown(value)} is unknown; use true or false, unsafe or safe, 1 or 0, or write a "
        f"comparison, such as --map 'label=score>0.5'"
    )


def spans_of(value: object, length: int, where: str) -> tuple[tuple[int, int], ...]:
    """Return spans in order, joined where they overlap.

    Raises:
        ConfigurationError: they have another form, or lie outside the answer.
    """
    found: list[tuple[int, int]] = []
    try:
        for item in value or ():  # type: ignore[attr-defined]  # checked by what follows
            start, end = (item["start"], item["end"]) if isinstance(item, Mapping) else item
            found.append((_place(start), _place(end)))
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(f"{where}: spans must be a list of [start, end] or of {{start, end}}") from exc
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not 0 <= start < end <= length:
            raise ConfigurationError(
                f"{where}: the span [{start}, {end}] is empty, or outside the answer, which has {length} characters"
            )
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _place(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is int:
        return value
    raise ValueError
