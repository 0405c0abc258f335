"""From what a model says to a verdict: labels to categories, scores to decisions."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from handrail import Verdict
from handrail.errors import InvalidRailsConfigurationError, RailError

from handrail_detectors._settings import EVERYTHING

if TYPE_CHECKING:
    from handrail import Window

    from handrail_detectors._findings import Answer, Finding, Findings, Span

_THRESHOLD, _ROUNDING = 0.5, 0.02


class Labels:
    """Which labels of a model are violations, and from which score on.

    Args:
        rail: the flow's name, for errors.
        categories: labels with their categories; None for a harmless one.
        thresholds: scores by category.
        threshold: the score for all categories, if the configuration has one.
        known: the labels that the model has, where that is known.
        exclusive: whether the scores of a text add up to 1; None if that is to be seen from them.

    Raises:
        InvalidRailsConfigurationError: labels or categories do not fit the model.
    """

    def __init__(
        self,
        rail: str,
        categories: Mapping[str, str | None],
        thresholds: Mapping[str, float],
        *,
        threshold: float | None = None,
        known: frozenset[str] | None = None,
        exclusive: bool | None = None,
    ) -> None:
        self._rail = rail
        self._categories = dict(categories)
        self._thresholds = thresholds
        self._threshold = threshold
        self._exclusive = exclusive
        if known is not None and categories:
            self._check_labels(known)
        self._check_categories(known)

    def _check_labels(self, known: frozenset[str]) -> None:
        for label in self._categories:
            if label != EVERYTHING and label not in known:
                raise InvalidRailsConfigurationError(
                    f"rail {self._rail!r}: unknown label {label!r}{_nearest(label, known)}; "
                    f"the model has {', '.join(map(repr, sorted(known)))}",
                    code="unknown-name",
                    subject=label,
                )
        missing = sorted(known - self._categories.keys())
        if missing and EVERYTHING not in self._categories:
            raise InvalidRailsConfigurationError(
                f"rail {self._rail!r}: the model's labels {', '.join(map(repr, missing))} are missing in 'labels'; "
                f"name the category of each, or null where it is harmless ({EVERYTHING!r}: null for all others)",
                code="missing-key",
                subject=missing[0],
            )

    def _check_categories(self, known: frozenset[str] | None) -> None:
        found = {category for category in self._categories.values() if category is not None}
        if self._categories and not found:
            raise InvalidRailsConfigurationError(
                f"rail {self._rail!r}: every label in 'labels' is harmless, so the rail would never refuse"
            )
        possible = found or known
        for category in self._thresholds:
            if possible is not None and category not in possible:
                raise InvalidRailsConfigurationError(
                    f"rail {self._rail!r}: unknown category {category!r} in 'thresholds'"
                    f"{_nearest(category, possible)}; known: {', '.join(map(repr, sorted(possible)))}",
                    code="unknown-name",
                    subject=category,
                )

    def verdict(self, answer: Answer, window: Window) -> Verdict:
        """Return what an answer amounts to.

        Raises:
            RailError: a score or a label makes no sense.
        """
        by_category = self._worst(answer)
        if not by_category:
            return Verdict.allow(score=0.0)
        ratio = {category: score - self._limit(category) for category, (score, _) in by_category.items()}
        worst = max(ratio, key=ratio.__getitem__)
        score = max(score for score, _ in by_category.values())
        detail = {"scores": {category: round(score, 6) for category, (score, _) in by_category.items()}}
        if ratio[worst] < 0:
            return Verdict.allow(score=score, detail=detail)
        span = by_category[worst][1]
        return Verdict.block(
            f"the classifier finds {worst}",
            category=worst,
            span=None if span is None else window.span(*span),
            score=by_category[worst][0],
            detail=detail,
        )

    def _worst(self, answer: Answer) -> dict[str, tuple[float, Span | None]]:
        worst: dict[str, tuple[float, Span | None]] = {}
        for findings in answer:
            for category, found in self._by_category(findings).items():
                if category not in worst or found[0] > worst[category][0]:
                    worst[category] = found
        return worst

    def _limit(self, category: str) -> float:
        if self._threshold is not None:
            return self._threshold
        return self._thresholds.get(category, _THRESHOLD)

    def _by_category(self, findings: Findings) -> dict[str, tuple[float, Span | None]]:
        """Return the score of each category, and where it is found.

        Where labels exclude one another, a text that is surely a violation but of no sure kind has a low score for
        each kind; so all of them together count for the likeliest.
        """
        found: dict[str, tuple[float, Span | None]] = {}
        total = harmful = 0.0
        for finding in findings:
            score = _sound(finding, self._rail)
            total += score
            category = self._category(finding.label)
            if category is None:
                continue
            harmful += score
            if category not in found or score > found[category][0]:
                found[category] = (score, finding.span)
        if found and self._adds_up(findings, total):
            likeliest = max(found, key=lambda category: found[category][0])
            found[likeliest] = (min(harmful, 1.0), found[likeliest][1])
        return found

    def _adds_up(self, findings: Findings, total: float) -> bool:
        if self._exclusive is not None:
            return self._exclusive and all(finding.span is None for finding in findings)
        alone = all(finding.span is None for finding in findings)
        return alone and len(findings) > 1 and abs(total - 1) < _ROUNDING

    def _category(self, label: str) -> str | None:
        if not self._categories:
            return label
        if label in self._categories:
            return self._categories[label]
        if EVERYTHING in self._categories:
            return self._categories[EVERYTHING]
        raise RailError(
            f"rail {self._rail!r}: the model answered with a label that is missing in 'labels'", rail=self._rail
        )


def _sound(finding: Finding, rail: str) -> float:
    score = finding.score
    if isinstance(score, bool) or not isinstance(score, int | float) or not -_ROUNDING <= score <= 1 + _ROUNDING:
        raise RailError(f"rail {rail!r}: the model answered with a score that is not between 0 and 1", rail=rail)
    return min(max(float(score), 0.0), 1.0)


def _nearest(word: str, known: frozenset[str] | set[str]) -> str:
    found = get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
