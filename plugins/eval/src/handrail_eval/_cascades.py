"""What cascades save, and what they miss: checks that a rail was spared, and what it would have said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

_NAMES: Final = ("checks", "spared", "missed_rows", "missed_violations", "only_first_rows")


class Cascades:
    """Counts the checks of rails that are asked only where a rail before them is not sure."""

    def __init__(self) -> None:
        self._rails: dict[str, Counter[str]] = defaultdict(Counter)
        self._asked_all = False

    def add(self, label: bool | None, checks: Sequence[Mapping[str, Any]], *, stopped: bool) -> None:  # noqa: FBT001
        """Count a row, unless a rail of it failed.

        Args:
            label: what people said.
            checks: the checks of the stream, as they are in the record.
            stopped: whether a rail refused or rewrote it.
        """
        for check in checks:
            self._rails[check["rail"]]["checks"] += 1
        for rail in {check["rail"] for check in checks if check.get("spared")}:
            own = [check for check in checks if check["rail"] == rail]
            spared = [check for check in own if check.get("spared")]
            count = self._rails[rail]
            count["spared"] += len(spared)
            self._asked_all = self._asked_all or any("would" in check for check in spared)
            refuses = any(check.get("would", check["decision"]) in ("block", "rewrite") for check in own)
            if refuses and not stopped:
                count["missed_rows"] += 1
                count["missed_violations"] += label is True
            elif stopped and not refuses and any(check["decision"] != "allow" for check in spared):
                count["only_first_rows"] += 1

    def result(self) -> dict[str, Any]:
        """Return the figures; what was missed is None unless rails were asked all the same."""
        found = {
            rail: {name: count[name] if self._asked_all or name in _NAMES[:2] else None for name in _NAMES}
            | {"spared_share": count["spared"] / count["checks"]}
            for rail, count in sorted(self._rails.items())
            if count["spared"]
        }
        missed = sum(count["missed_rows"] for count in self._rails.values())
        return {"missed_rows": missed if self._asked_all else None, "rails": found}


def lines_of(cascades: Mapping[str, Any]) -> list[str]:
    """Return rows of a table of Markdown."""
    lines = []
    for rail, found in cascades["rails"].items():
        name = rail.replace("|", "\\|")
        lines.append(f"| {name}: spared by its condition | {found['spared']} of {found['checks']} checks |")
        if found["missed_rows"] is not None:
            violations = f"{found['missed_violations']} of them violations"
            lines += [
                f"| {name}: rows missed by that | {found['missed_rows']}, {violations} |",
                f"| {name}: stopped rows that it would have let pass | {found['only_first_rows']} |",
            ]
    return lines
