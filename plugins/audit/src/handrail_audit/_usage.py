"""What calls have used and cost: one line for each call, and sums of such lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from handrail_audit._chain import bounded, files, parsed, raw_lines

if TYPE_CHECKING:
    from handrail import LLMCall

By: TypeAlias = Literal["caller", "config", "conversation", "model"]

_MOST_IN_LINE = 4  # models, whatever their names are
_NO_COUNT = 2**63  # which no request has, and no price comes to


@dataclass(slots=True)
class Sum:
    """What some requests have used.

    Attributes:
        requests: how many they are.
        input_tokens, output_tokens: as providers report them.
        costs: by currency.
        unpriced: requests whose price or tokens are not known.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    costs: dict[str, float] = field(default_factory=dict)
    unpriced: int = 0


def used(requests: Iterable[LLMCall]) -> list[list[Mapping[str, object]]]:
    """Return what lines say of requests: for each model and task, what providers report and what that costs.

    It is one line, unless there are more models than fit into it.
    """
    sums: dict[tuple[str, str], Sum] = {}
    for request in requests:
        one = sums.setdefault((request.model or request.engine, request.task), Sum())
        one.requests += 1
        if (reported := request.reported) is not None and not reported.estimated:
            one.input_tokens += reported.input_tokens
            one.output_tokens += reported.output_tokens
        if request.price is None or (cost := request.cost) is None:
            one.unpriced += 1
        else:
            one.costs[request.price.currency] = one.costs.get(request.price.currency, 0.0) + cost
    said: list[Mapping[str, object]] = [
        {
            "model": bounded(model),
            "task": bounded(task),
            "requests": one.requests,
            "input": one.input_tokens,
            "output": one.output_tokens,
            "costs": one.costs,
            "unpriced": one.unpriced,
        }
        for (model, task), one in sums.items()
    ]
    return [said[first : first + _MOST_IN_LINE] for first in range(0, max(len(said), 1), _MOST_IN_LINE)]


def summed(folder: Path, by: By) -> Mapping[str, Sum]:
    """Return what the calls of a record have used, by who asked, configuration, conversation or model."""
    sums: dict[str, Sum] = {}
    for file in files(folder):
        for raw in raw_lines(file).values():
            line = parsed(raw) or {}
            used = line.get("used")
            for entry in filter(_is_sound, used if isinstance(used, list) else ()):
                name = entry["model"] if by == "model" else line.get(by)
                _add(sums.setdefault(str(name or "-"), Sum()), entry)
    return sums


def _is_sound(entry: object) -> bool:
    """Return whether an entry can be summed up; one that somebody else has written need not."""
    if not isinstance(entry, dict) or not isinstance(costs := entry.get("costs"), dict):
        return False
    counts = [entry.get(name) for name in ("requests", "input", "output", "unpriced")]
    return "model" in entry and all(
        isinstance(count, int | float) and 0 <= count < _NO_COUNT for count in (*counts, *costs.values())
    )


def _add(one: Sum, entry: Mapping[str, Any]) -> None:
    one.requests += entry["requests"]
    one.input_tokens += entry["input"]
    one.output_tokens += entry["output"]
    one.unpriced += entry["unpriced"]
    for currency, cost in entry["costs"].items():
        one.costs[currency] = one.costs.get(currency, 0.0) + cost
