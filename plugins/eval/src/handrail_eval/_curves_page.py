"""A page with the curves of rails that score; it opens from disk."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_SIZE: Final = 240
_EDGE: Final = 36


def curves_page(found: Mapping[str, Mapping[str, Any]], advice: Sequence[str]) -> str:
    """Return the page: for each rail its ROC and precision-recall curves, its calibration, and the recommendation."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    parts = [_section(rail, figures, told) for (rail, figures), told in zip(found.items(), advice, strict=True)]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Thresholds</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>'
        f"<body><main><h1>Thresholds</h1>{''.join(parts)}</main></body></html>\n"
    )


def _section(rail: str, figures: Mapping[str, Any], told: str) -> str:
    points, best = figures["points"], figures["recommended"]
    roc = [(0.0, 0.0), *((false, recall) for _, recall, false, _ in points), (1.0, 1.0)]
    precision = [(recall, precise) for _, recall, _, precise in points]
    share = [(score, violations) for _, _, _, score, violations in figures["calibration"]]
    at = (best["false_stops"], best["recall"]) if best else None
    precise_at = (best["recall"], best["precision"]) if best else None
    charts = (
        _chart("ROC", "false stops", "recall", roc, at, diagonal=True),
        _chart("Precision and recall", "recall", "precision", precision, precise_at),
        _chart("Calibration", "score", "violations", share, None, diagonal=True),
    )
    head = f"<h2>{html.escape(rail)}</h2><p>{html.escape(told)}</p>"
    return f'<section>{head}<div class="charts">{"".join(charts)}</div></section>'


def _chart(
    title: str,
    across: str,
    up: str,
    points: Sequence[tuple[float, float]],
    mark: tuple[float, float] | None,
    *,
    diagonal: bool = False,
) -> str:
    full = _SIZE + 2 * _EDGE
    line = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    parts = [f'<rect class="frame" x="{_EDGE}" y="{_EDGE}" width="{_SIZE}" height="{_SIZE}"/>']
    if diagonal:
        parts.append(f'<line class="chance" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    parts.append(f'<polyline class="curve" points="{line}"/>')
    parts += [f'<circle class="dot" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="2"/>' for x, y in points[:60]]
    if mark is not None:
        parts.append(f'<circle class="mark" cx="{_x(mark[0]):.1f}" cy="{_y(mark[1]):.1f}" r="5"/>')
    for value in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{_x(value)}" y="{full - 20}" text-anchor="middle">{value:g}</text>')
        parts.append(f'<text x="{_EDGE - 6}" y="{_y(value) + 4}" text-anchor="end">{value:g}</text>')
    parts.append(f'<text x="{full / 2}" y="{full - 5}" text-anchor="middle">{across}</text>')
    parts.append(f'<text transform="translate(10 {full / 2}) rotate(-90)" text-anchor="middle">{up}</text>')
    label = html.escape(f"{title}: {up} over {across}")
    return (
        f'<figure><svg viewBox="0 0 {full} {full}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
        f"<figcaption>{title}</figcaption></figure>"
    )


def _x(value: float) -> float:
    return _EDGE + value * _SIZE


def _y(value: float) -> float:
    return _EDGE + (1 - value) * _SIZE
