"""Draws the results as bar charts: SVG that is readable on light and dark pages."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from environments import ROOT, SYSTEMS

_FOLDER = ROOT / "docs" / "benchmarks"
_WIDTH, _LABEL, _ROW, _TOP = 760, 220, 30, 64
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 16px }
.small { font-size: 12px; fill: #59636e }
.bar { fill: #8c959f } .ours { fill: #1a7f37 } .leaks { fill: #cf222e }
.limit { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .bar { fill: #656c76 } .ours { fill: #3fb950 } .leaks { fill: #f85149 } .limit { stroke: #9198a1 }
}
"""

Bar = tuple[str, float | None, str]  # label, value (None if the system cannot do it), class


def write_plots(results: dict[str, dict[str, Any]]) -> None:
    """Write the charts below `docs/benchmarks/`."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    charts = {
        "total": (
            "Total time over the ideal: one rail, a judge of 0.5 s",
            "pace L=0.5 rails=1",
            "over_ideal",
            "{:.2f}",
        ),
        "streams": ("Total time over the ideal: 200 streams at once", "crowd streams=200", "over_ideal", "{:.2f}"),
        "cpu": ("Processor time for each token, µs (logarithmic)", "cpu", "microseconds", "{:.1f}"),
    }
    for name, (title, case, key, shape) in charts.items():
        bars = list(_bars(results, case, key))
        picture = chart(title, bars, shape, logarithmic=name == "cpu")
        (_FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")


def _bars(results: dict[str, dict[str, Any]], case: str, key: str) -> Any:
    for system in SYSTEMS:
        cases = results.get(system.key, {}).get("cases", {})
        if case not in cases:
            continue
        value = cases[case].get(key)
        leaks = system.key != "bare" and cases.get("violation", {}).get("leaked", 0) > 0
        yield system.title, value, "ours" if system.key == "handrail" else "leaks" if leaks else "bar"


def chart(title: str, bars: list[Bar], shape: str, *, logarithmic: bool) -> str:
    """Return a chart of horizontal bars; a dashed line stands at 1 where values are ratios."""
    height = _TOP + len(bars) * _ROW + 14
    room = _WIDTH - _LABEL - 70
    most = max((value for _, value, _ in bars if value is not None), default=1.0)

    def length(value: float) -> float:
        if logarithmic:
            return room * math.log10(max(value, 0.1) * 10) / math.log10(most * 10)
        return room * value / most

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="10" y="24">{escape(title)}</text>',
        '<text class="small" x="10" y="44">green: Handrail · red: lets a part of what is forbidden through</text>',
    ]
    if not logarithmic:
        x = _LABEL + length(1.0)
        lines.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{height - 8}"/>')
    for index, (label, value, kind) in enumerate(bars):
        y = _TOP + index * _ROW
        lines.append(f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(label.replace("`", ""))}</text>')
        if value is None:
            lines.append(f'<text class="small" x="{_LABEL + 6}" y="{y + 15}">not done in time</text>')
            continue
        lines += [
            f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{length(value):.1f}" height="20" rx="2"/>',
            f'<text x="{_LABEL + length(value) + 6:.1f}" y="{y + 15}">{shape.format(value)}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])
