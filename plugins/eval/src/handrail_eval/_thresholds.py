"""`handrail eval thresholds`: from the scores of a run, the threshold that keeps a budget."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError

from handrail_eval._curves import Point, Scores, thinned, with_recall, within_false_stops
from handrail_eval._figures import STOPPED
from handrail_eval._run import records_of

_NAME: Final = re.compile(r"\s*[$(]")  # where the arguments of a flow begin
FALSE_STOP_RATES: Final = (0.001, 0.01, 0.05)
_BUDGET: Final = re.compile(r"\s*(fpr|false_stops|recall)\s*=\s*(\d*\.?\d+)\s*(%?)\s*")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a threshold has to keep.

    Attributes:
        of: "false_stops", at most; or "recall", at least.
        share: from 0 to 1.
    """

    of: str
    share: float

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `fpr=0.01`, `false_stops=1%` or `recall=0.95`.

        Raises:
            ConfigurationError: it is none of them.
        """
        found = _BUDGET.fullmatch(text)
        share = float(found[2]) / (100 if found[3] else 1) if found else 2.0
        if found is None or share > 1:
            raise ConfigurationError(f"--budget {text!r} must be like fpr=0.01 or recall=0.95, a share from 0 to 1")
        return cls("recall" if found[1] == "recall" else "false_stops", share)

    def choose(self, points: list[Point]) -> Point | None:
        """Return the best threshold within the budget."""
        choose = with_recall if self.of == "recall" else within_false_stops
        return choose(points, self.share)

    def __str__(self) -> str:
        return f"{'recall at least' if self.of == 'recall' else 'false stops at most'} {self.share:.4g}"


def scores_of(folder: Path) -> dict[str, Scores]:
    """Return the scores of a run by rail: of each labelled row the highest that the rail gave.

    Raises:
        ConfigurationError: there is no run in the folder.
    """
    found: dict[str, Scores] = defaultdict(Scores)
    missing: dict[str, int] = defaultdict(int)
    rows = 0
    for verdict, _ in records_of(folder):
        label, stream = verdict.get("label"), verdict.get("stream")
        if label is None or stream is None or "error" in verdict:
            continue
        rows += 1
        highest: dict[str, float] = {}
        for check in stream["checks"]:
            if check.get("score") is not None:
                highest[check["rail"]] = max(check["score"], highest.get(check["rail"], -math.inf))
        for rail, score in highest.items():
            found[rail].add(score, label)
            found[rail].cut += stream["outcome"] in STOPPED
            missing[rail] += 1
    for rail, scores in found.items():
        scores.unscored = rows - missing[rail]
    return dict(found)


def found_in(folder: Path, budget: str) -> dict[str, dict[str, Any]]:
    """Return what is known of the scores of each rail of a run.

    Raises:
        ConfigurationError: there is no run in the folder, or no rail has scored a labelled row; or the budget is none.
    """
    kept = Budget.parse(budget)
    scores = scores_of(folder)
    if not scores:
        raise ConfigurationError(
            f"{folder} has no labelled row with a score; use a rail that gives scores, such as a classifier"
        )
    return {rail: described(found, kept) for rail, found in sorted(scores.items())}


def described(scores: Scores, budget: Budget) -> dict[str, Any]:
    """Return what is known of a rail's scores, in values that JSON can write."""
    points = scores.points()
    chosen = budget.choose(points) if scores.violations and scores.harmless else None
    return {
        "violations": len(scores.violations),
        "harmless": len(scores.harmless),
        "stopped_early": scores.cut,
        "unscored": scores.unscored,
        "area_under_roc": scores.area(),
        "average_precision": scores.average_precision(),
        "calibration_error": scores.calibration_error(),
        "recall_at_false_stops": {
            f"{rate:g}": best.recall if (best := within_false_stops(points, rate)) else 0.0 for rate in FALSE_STOP_RATES
        },
        "budget": str(budget),
        "recommended": None if chosen is None else _recommended(scores, chosen, points),
        "points": [[p.threshold, p.recall, p.false_stops, p.precision] for p in thinned(points)],
        "calibration": [[one.low, one.high, one.rows, one.score, one.violations] for one in scores.calibration()],
    }


def _recommended(scores: Scores, chosen: Point, points: Sequence[Point]) -> dict[str, Any]:
    recall, false_stops = scores.interval(chosen)
    below = max((point.threshold for point in points if point.threshold < chosen.threshold), default=-math.inf)
    return {
        "threshold": rounded(chosen.threshold, below),
        "recall": chosen.recall,
        "recall_interval": list(recall),
        "false_stops": chosen.false_stops,
        "false_stops_interval": list(false_stops),
        "precision": chosen.precision,
    }


def rounded(threshold: float, below: float = -math.inf) -> float:
    """Return a threshold with few digits that stops what the exact one stops, and no score of `below` or less."""
    for digits in range(6, 16):
        shorter = math.floor(threshold * 10.0**digits) / 10.0**digits
        if below < shorter <= threshold:
            return shorter
    return threshold


def patch_of(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the recommended thresholds as YAML that can lie beside a configuration's other files.

    A rail that is used several times, with other arguments, has one setting for all: then no threshold is written.
    """
    lines = ["rails:", "  config:"]
    names = [_NAME.split(rail, maxsplit=1)[0] for rail in found]
    for name, figures in zip(names, found.values(), strict=True):
        if figures["recommended"] is not None and names.count(name) == 1:
            lines += [f"    {json.dumps(name)}:", f"      threshold: {figures['recommended']['threshold']!r}"]
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def lines_of(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the figures as Markdown."""
    lines: list[str] = []
    for rail, figures in found.items():
        lines += [
            f"## {rail}",
            "",
            f"{figures['violations']} violations and {figures['harmless']} harmless rows have scores",
        ]
        if figures["unscored"]:
            lines.append(f"{figures['unscored']} rows have none; they are left out")
        if figures["stopped_early"]:
            lines.append(
                f"{figures['stopped_early']} rows were stopped before their end, so that they may have a higher score; "
                "judge with 'mode: observe' for the whole curve"
            )
        lines += ["", "| | |", "|---|---|"]
        for name in ("area_under_roc", "average_precision", "calibration_error"):
            value = figures[name]
            lines.append(f"| {name.replace('_', ' ')} | {'not counted' if value is None else f'{value:.4f}'} |")
        for rate, recall in figures["recall_at_false_stops"].items():
            lines.append(f"| recall at false stops of {rate} | {recall:.1%} |")
        lines += ["", advice_of(figures), ""]
    return lines


def advice_of(figures: Mapping[str, Any]) -> str:
    """Return a sentence with the recommended threshold and what it does."""
    best = figures["recommended"]
    if best is None:
        return f"no threshold keeps {figures['budget']}"
    low, high = best["false_stops_interval"]
    return (
        f"threshold {best['threshold']:g} for {figures['budget']}: recall {best['recall']:.1%}, "
        f"false stops {best['false_stops']:.2%} (95% interval {low:.2%} to {high:.2%}), "
        f"precision {best['precision']:.1%}"
    )
