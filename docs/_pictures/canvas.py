"""Draws SVG that is readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px } .small { font-size: 11.5px; fill: #59636e }
.axis { stroke: #8c959f; stroke-width: 1 } .grid { stroke: #d1d9e0; stroke-width: 1 }
.box { fill: #f6f8fa; stroke: #8c959f } .arrow { stroke: #59636e; stroke-width: 1.5; fill: none }
.tip { fill: #59636e }
.made { stroke: #6e7781; stroke-width: 2; fill: none; stroke-dasharray: 5 3 }
.out { stroke: #1a7f37; stroke-width: 2.5; fill: none }
.waiting { fill: #bf8700; fill-opacity: .16 }
.check { fill: #0969da; fill-opacity: .30; stroke: #0969da }
.second { fill: #8250df; fill-opacity: .30; stroke: #8250df }
.overlap { fill: #0969da; fill-opacity: .16; stroke: #0969da; stroke-dasharray: 3 2 }
.blocks { fill: #cf222e; fill-opacity: .32; stroke: #cf222e }
.left { fill: none; stroke: #8c959f; stroke-dasharray: 3 3 }
.passed { fill: #1a7f37; fill-opacity: .30; stroke: #1a7f37 }
.held { fill: #bf8700; fill-opacity: .30; stroke: #bf8700 }
.bad { fill: #cf222e } .good { fill: #1a7f37 } .wait { fill: #9a6700 } .judge { fill: #0969da } .other { fill: #8250df }
.line0 { stroke: #0969da } .line1 { stroke: #1a7f37 } .line2 { stroke: #bf8700 } .line3 { stroke: #8250df }
.line { stroke-width: 2.2; fill: none } .dot0 { fill: #0969da } .dot1 { fill: #1a7f37 } .dot2 { fill: #bf8700 }
.cut { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .axis { stroke: #656c76 } .grid { stroke: #2f353d }
  .box { fill: #1c2128; stroke: #656c76 } .arrow { stroke: #9198a1 } .tip { fill: #9198a1 } .made { stroke: #9198a1 }
  .out { stroke: #3fb950 } .waiting { fill: #d29922; fill-opacity: .20 }
  .check, .overlap { fill: #4493f8; stroke: #4493f8 } .second { fill: #ab7df8; stroke: #ab7df8 }
  .blocks { fill: #f85149; stroke: #f85149 } .passed { fill: #3fb950; stroke: #3fb950 }
  .held { fill: #d29922; stroke: #d29922 } .bad { fill: #f85149 } .good { fill: #3fb950 } .wait { fill: #d29922 }
  .judge { fill: #4493f8 } .other { fill: #ab7df8 } .line0 { stroke: #4493f8 } .line1 { stroke: #3fb950 }
  .line2 { stroke: #d29922 } .line3 { stroke: #ab7df8 } .dot0 { fill: #4493f8 } .dot1 { fill: #3fb950 }
  .dot2 { fill: #d29922 } .cut { stroke: #f85149 }
}
"""
_MONO = "text.mono { font: 12px ui-monospace, monospace }"


class Canvas:
    """A picture of `width` by `height` points, with a title for those who cannot see it.

    Args:
        width: points from left to right.
        height: points from top to bottom.
        title: what there is to see.
        seconds: how long a moving picture lasts before it begins again. Who has asked for less motion sees its end.
    """

    def __init__(self, width: int, height: int, title: str, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._moments: dict[str, str] = {}
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
        ]

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        """Write a line of text whose baseline is at `y`."""
        self._parts.append(f'<text x="{_n(x)}" y="{_n(y)}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def appearing(self, x: float, y: float, text: str, kind: str, second: float, *, width: float | None = None) -> None:
        """Write text that appears at this second of a moving picture, as wide as it must be in every font."""
        fitted = "" if width is None else f' textLength="{_n(width)}" lengthAdjust="spacingAndGlyphs"'
        place = f'x="{_n(x)}" y="{_n(y)}" class="{kind} {self._moment(second)}"'
        self._parts.append(f'<text {place}{fitted} xml:space="preserve">{escape(text)}</text>')

    def _moment(self, second: float) -> str:
        """Return the class of what appears at this second."""
        share = f"{100 * second / self._seconds:.2f}"
        return self._moments.setdefault(share, f"t{len(self._moments)}")

    def rectangle(self, x: float, y: float, width: float, height: float, kind: str, rounded: float = 2) -> None:
        """Draw a rectangle from its upper left corner."""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(max(height, 0))}" '
            f'rx="{_n(rounded)}" class="{kind}"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Draw a straight line."""
        self._parts.append(f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{kind}"/>')

    def path(self, points: Sequence[tuple[float, float]], kind: str, *, closed: bool = False) -> None:
        """Draw a line through points."""
        drawn = "M" + " L".join(f"{_n(x)} {_n(y)}" for x, y in points) + ("Z" if closed else "")
        self._parts.append(f'<path d="{drawn}" class="{kind}"/>')

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw a horizontal or vertical arrow."""
        self.line(x1, y1, x2, y2, "arrow")
        if x1 == x2:
            d = 6 if y2 > y1 else -6
            self.path([(x2 - 4, y2 - d), (x2 + 4, y2 - d), (x2, y2 + d / 6)], "tip", closed=True)
        else:
            d = 6 if x2 > x1 else -6
            self.path([(x2 - d, y2 - 4), (x2 - d, y2 + 4), (x2 + d / 6, y2)], "tip", closed=True)

    def dot(self, x: float, y: float, kind: str) -> None:
        """Draw a point."""
        self._parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="3.2" class="{kind}"/>')

    def finish(self) -> str:
        """Return the file."""
        return "\n".join([*self._parts, *self._motion(), "</svg>", ""])

    def _motion(self) -> Iterator[str]:
        if not self._moments:
            return
        yield f"<style>{_MONO}"
        yield "@media (prefers-reduced-motion: no-preference) {"
        for share, name in self._moments.items():
            yield f"@keyframes {name} {{ 0% {{ opacity: 0 }} {share}% {{ opacity: 1 }} }}"
            yield f".{name} {{ animation: {name} {self._seconds:.2f}s step-end infinite }}"
        yield "}</style>"


def steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Make a staircase of points: each value lasts until the next one."""
    made: list[tuple[float, float]] = [points[0]]
    for x, y in points[1:]:
        made += [(x, made[-1][1]), (x, y)]
    return made


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
