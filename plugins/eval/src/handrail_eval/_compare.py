"""Two runs on the same rows: who finds more, and whether that is chance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handrail import ConfigurationError

from handrail_eval._figures import STOPPED
from handrail_eval._intervals import mcnemar, paired_difference
from handrail_eval._run import records_of

_MOST_LISTED = 1000


def compare_runs(first: Path, second: Path) -> dict[str, Any]:
    """Return how two runs differ, over violations and over harmless rows.

    Rows are paired by their ids; a row that failed in either run is counted apart.

    Raises:
        ConfigurationError: they have no row in common, an id comes twice, or a row has another label or length.
    """
    before, after = _sides(first), _sides(second)
    common = [name for name in before if name in after]
    if not common:
        raise ConfigurationError(f"{first} and {second} have no row in common; rows are paired by their ids")
    found: dict[str, Any] = {"rows": len(common), "only_in_one": len(before) + len(after) - 2 * len(common)}
    found["failed"] = 0
    counts = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    changed: list[dict[str, Any]] = []
    for name in common:
        (label, length, one), (other_label, other_length, other) = before[name], after[name]
        if (label, length) != (other_label, other_length):
            raise ConfigurationError(
                f"row {name!r} has another label or text in {second} than in {first}; rows are paired by the column "
                f"'id', and without one by their place in the data"
            )
        if one is None or other is None or label is None:
            found["failed"] += label is not None
            continue
        counts[label][2 * (not one) + (not other)] += 1
        if one != other and len(changed) < _MOST_LISTED:
            changed.append({"id": name, "label": label, "first": one, "second": other})
    found["recall"] = _paired(*counts[True])
    found["false_stops"] = _paired(*counts[False])
    found["changed"] = changed
    return found


def lines_of(found: Mapping[str, Any]) -> list[str]:
    """Return a comparison as Markdown."""
    lines = [f"{found['rows']} rows in both runs, {found['only_in_one']} in only one of them", ""]
    if found["failed"]:
        lines[:1] = [f"{lines[0]}; {found['failed']} rows failed in a run, and are left out"]
    lines += ["| | first | second | difference (95%) | p (McNemar) |", "|---|---|---|---|---|"]
    for name in ("recall", "false_stops"):
        paired = found[name]
        if paired["of"]:
            low, high = paired["interval"]
            lines.append(
                f"| {name.replace('_', ' ')} | {paired['first']:.2%} | {paired['second']:.2%} | "
                f"{paired['difference']:+.2%} ({low:+.2%} to {high:+.2%}) | {paired['p']:.3g} |"
            )
    for row in found["changed"][:50]:
        kind = "violation" if row["label"] else "harmless"
        lines.append(f"- row {row['id']} ({kind}): {_word(row['first'])} before, {_word(row['second'])} now")
    return lines


def _word(stopped: bool) -> str:  # noqa: FBT001  # what it is
    return "stopped" if stopped else "passed"


def _paired(both: int, only_first: int, only_second: int, neither: int) -> dict[str, Any]:
    total = both + only_first + only_second + neither
    share = 1 / total if total else 0.0
    return {
        "of": total,
        "first": (both + only_first) * share,
        "second": (both + only_second) * share,
        "difference": (only_second - only_first) * share,
        "interval": list(paired_difference(both, only_first, only_second, neither)),
        "p": mcnemar(only_first, only_second),
        "only_first": only_first,
        "only_second": only_second,
    }


def _sides(folder: Path) -> dict[str, tuple[bool | None, int, bool | None]]:
    """Return the label and length of each row, and whether it was stopped; None if it failed."""
    found: dict[str, tuple[bool | None, int, bool | None]] = {}
    for verdict, _ in records_of(folder):
        judged = verdict.get("stream") or verdict.get("input")
        stopped = None
        if "error" not in verdict and judged is not None and judged["outcome"] != "failed":
            stopped = judged["outcome"] in STOPPED
        if verdict["id"] in found:
            raise ConfigurationError(f"{folder} has two rows with the id {verdict['id']!r}, so rows cannot be paired")
        found[verdict["id"]] = (verdict["label"], verdict["characters"], stopped)
    return found
