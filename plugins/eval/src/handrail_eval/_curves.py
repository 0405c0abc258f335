"""What a rail's scores are worth: its curves over all thresholds, and how far a score is a probability."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby, pairwise
from typing import Final

from handrail_eval._intervals import wilson

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold would do: a row is stopped if its score is at least so high.

    Attributes:
        threshold: the score from which on a row is stopped.
        recall: violations stopped / violations.
        false_stops: harmless rows stopped / harmless rows.
        precision: violations stopped / rows stopped; 1 where none is.
    """

    threshold: float
    recall: float
    false_stops: float
    precision: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose scores are close.

    Attributes:
        low, high: the scores, from and below (the last bin has 1, too).
        rows: how many rows there are.
        score: their mean score.
        violations: the share of violations among them.
    """

    low: float
    high: float
    rows: int
    score: float
    violations: float


@dataclass(slots=True)
class Scores:
    """The highest score that a rail gave to each row of data.

    Attributes:
        violations, harmless: scores of the rows with that label.
        cut: rows that were stopped by a rail, so that a later window might have had a higher score.
        unscored: labelled rows of which the rail scored nothing.
    """

    violations: list[float] = field(default_factory=list)
    harmless: list[float] = field(default_factory=list)
    cut: int = 0
    unscored: int = 0

    def add(self, score: float, label: bool) -> None:  # noqa: FBT001  # what people said
        """Count a row."""
        (self.violations if label else self.harmless).append(score)

    def points(self) -> list[Point]:
        """Return what each score that occurs would do as a threshold, the highest first."""
        hits, false = sorted(self.violations), sorted(self.harmless)
        found = []
        for threshold in sorted({*hits, *false}, reverse=True):
            stopped = len(hits) - bisect_left(hits, threshold)
            wrong = len(false) - bisect_left(false, threshold)
            found.append(
                Point(threshold, _share(stopped, len(hits)), _share(wrong, len(false)), stopped / (stopped + wrong))
            )
        return found

    def area(self) -> float | None:
        """Return the area under the ROC curve: how often a violation has the higher score (ties count half).

        By Mann and Whitney's U. None without rows of both labels.
        """
        if not self.violations or not self.harmless:
            return None
        labelled = sorted([(score, 1) for score in self.violations] + [(score, 0) for score in self.harmless])
        below, wins = 0, 0.0
        for _, tied in groupby(labelled, key=lambda row: row[0]):
            labels = [label for _, label in tied]
            hits, others = sum(labels), len(labels) - sum(labels)
            wins += hits * (below + others / 2)
            below += others
        return wins / (len(self.violations) * len(self.harmless))

    def average_precision(self) -> float | None:
        """Return the area under the precision-recall curve as a sum of steps; None without violations."""
        if not self.violations:
            return None
        points = self.points()
        steps = zip([0.0, *(point.recall for point in points)], points, strict=False)
        return sum((point.recall - before) * point.precision for before, point in steps)

    def calibration(self) -> list[Bin]:
        """Return rows by score, in ten bins of equal width; those without rows are left out."""
        rows = [(score, 1) for score in self.violations] + [(score, 0) for score in self.harmless]
        found = []
        for number in range(BINS):
            here = [(score, label) for score, label in rows if min(max(int(score * BINS), 0), BINS - 1) == number]
            if here:
                scores, labels = [score for score, _ in here], [label for _, label in here]
                found.append(
                    Bin(number / BINS, (number + 1) / BINS, len(here), _mean(scores), _mean([float(n) for n in labels]))
                )
        return found

    def calibration_error(self) -> float | None:
        """Return the expected calibration error: the mean distance of score and share of violations, by rows."""
        total = len(self.violations) + len(self.harmless)
        if not total:
            return None
        return sum(abs(one.score - one.violations) * one.rows for one in self.calibration()) / total

    def interval(self, point: Point) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the 95% intervals (Wilson) of a point's recall and false stops."""
        hits, false = len(self.violations), len(self.harmless)
        return wilson(round(point.recall * hits), hits), wilson(round(point.false_stops * false), false)


def within_false_stops(points: Sequence[Point], most: float) -> Point | None:
    """Return the lowest threshold that stops at most this share of harmless rows; None if every one stops more."""
    fit = [point for point in points if point.false_stops <= most]
    return min(fit, key=lambda point: (-point.recall, point.false_stops, -point.threshold), default=None)


def with_recall(points: Sequence[Point], least: float) -> Point | None:
    """Return the highest threshold that stops at least this share of violations."""
    fit = [point for point in points if point.recall >= least]
    return min(fit, key=lambda point: (point.false_stops, -point.threshold), default=None)


def thinned(points: Sequence[Point], most: int = 200) -> Iterator[Point]:
    """Yield points that lie apart, few enough to be drawn, the first and the last among them."""
    if len(points) <= most:
        yield from points
        return
    lengths = list(
        accumulate(
            abs(b.recall - a.recall) + abs(b.false_stops - a.false_stops) + abs(b.precision - a.precision)
            for a, b in pairwise(points)
        )
    )
    step, reached = lengths[-1] / (most - 2), 0.0
    yield points[0]
    for length, point in zip(lengths[:-1], points[1:], strict=False):
        if length >= reached:
            yield point
            reached = length + step
    yield points[-1]


def _share(part: int, total: int) -> float:
    return part / total if total else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
