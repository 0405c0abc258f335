"""What the sizes of windows cost and what they protect, on a clock that jumps: the same numbers on every machine.

`python tests/bench/sizes.py` writes them into `docs/howto/sizes.md` and `docs/pictures/sizes.svg`.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_pictures"))
sys.path.insert(0, str(Path(__file__).parent))

from _document import table, with_part
from canvas import Canvas
from recording import Judge, Recording, record

ROOT = Path(__file__).parents[2]
PAGE, PICTURE = ROOT / "docs" / "howto" / "sizes.md", ROOT / "docs" / "pictures" / "sizes.svg"
WORDS, PACE, LATENCY = 300, 0.02, 0.5
PHRASE = " one two three four five six seven eight"  # eight tokens
BEFORE = (1, 4, 7)  # tokens of the phrase that lie before the end of a window
BASE: Mapping[str, object] = {"chunk_size": 100, "context_size": 20}
_SWEEPS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "chunk_size": tuple({"chunk_size": size} for size in (30, 50, 100, 200, 400)),
    "context_size": tuple({"context_size": size} for size in (0, 4, 8, 20, 40)),
    "hold_size": tuple({"hold_size": size} for size in (0, 4, 8, 12, 20)),
    "first_chunk_size": tuple({"first_chunk_size": size} for size in (25, 45, 70, 100)),
    "max_concurrency": tuple({"max_concurrency": size, "chunk_size": 40} for size in (1, 2, 4, 8)),
    "stream_first": ({"stream_first": False}, {"stream_first": True}),
}
"""One setting at a time, the others as in `BASE`; with large windows one check at a time would be enough."""


@dataclass(frozen=True)
class Measured:
    """What one setting does.

    Attributes:
        first: seconds until the first text.
        lag: seconds from a character's generation to its delivery, on average.
        after: seconds from the model's end to that of the stream.
        checks: how many there were.
        read: characters that the judge read, over those of the text.
        leaked: the most characters of the phrase that a reader saw.
        missed: at how many of the places it was not noticed at all.
        places: how many there were: the phrase lies across the end of one of the first windows.
    """

    first: float
    lag: float
    after: float
    checks: int
    read: float
    leaked: int
    missed: int
    places: int


def words_with(place: int | None) -> list[str]:
    """Return a text of one-token words, with the phrase after so many of them."""
    letters = "abcdefgh"
    words = [f" {letters[i % 8]}{letters[i // 8 % 8]}{letters[i // 64 % 8]}" for i in range(WORDS)]
    if place is not None:
        phrase = PHRASE.split()
        words[place : place + len(phrase)] = [f" {word}" for word in phrase]
    return words


def measure(setting: Mapping[str, object]) -> Measured:
    """Run the engine with one setting."""
    calm = _run(None, setting)
    leaks = [_leak(place, _run(place, setting)) for place in _places(calm)]
    text = calm.length
    return Measured(
        first=calm.delivered[0][0],
        lag=_lag(calm),
        after=calm.ended_at - calm.generated[-1][0],
        checks=len(calm.checks),
        read=sum(len(check.window.text) for check in calm.checks) / text,
        leaked=max(leaked for leaked, _ in leaks),
        missed=sum(missed for _, missed in leaks),
        places=len(leaks),
    )


def _places(calm: Recording) -> list[int]:
    """Return where the phrase is put, in words before it: where it is hardest to see, across the end of a window."""
    ends = sorted(check.window.end // len(words_with(None)[0]) for check in calm.checks)
    return [end - tokens for end in ends[:3] for tokens in BEFORE if end - tokens + len(PHRASE.split()) <= WORDS]


def _run(place: int | None, setting: Mapping[str, object]) -> Recording:
    sizes = {**BASE, **setting}
    options = {"judge": {"max_concurrency": sizes.pop("max_concurrency")}} if "max_concurrency" in sizes else None
    judges = {"judge": Judge(LATENCY, PHRASE)}
    return record(words_with(place), judges, seconds_per_word=PACE, options=options, **sizes)


def _leak(place: int, run: Recording) -> tuple[int, bool]:
    begin = sum(map(len, words_with(None)[:place]))
    seen = run.delivered[-1][1] if run.delivered else 0
    return min(max(seen - begin, 0), len(PHRASE)), run.blocked_at is None


def _lag(run: Recording) -> float:
    ends = [length for _, length in run.delivered]
    waits = [run.delivered[bisect_left(ends, length)][0] - moment for moment, length in run.generated]
    return sum(waits) / len(waits)


def tables(results: Mapping[str, Mapping[str, Measured]]) -> str:
    """Return the numbers as tables."""
    head = ["", "first text, s", "lag, s", "end after the model, s", "checks", "read / text", "leaked, worst", "missed"]
    parts = []
    for name, row in results.items():
        lines = [
            [
                f"`{name}: {value}`",
                f"{found.first:.2f}",
                f"{found.lag:.2f}",
                f"{found.after:.2f}",
                str(found.checks),
                f"{found.read:.2f}",
                f"{found.leaked} of {len(PHRASE)}",
                f"{found.missed} of {found.places}",
            ]
            for value, found in row.items()
        ]
        parts.append(f"### {name}\n\n{table([name, *head[1:]], lines)}")
    return "\n\n".join(parts)


def picture(results: Mapping[str, Mapping[str, Measured]]) -> str:
    """Draw the curves: a column for each size, a row for each thing measured."""
    columns = ("chunk_size", "context_size", "hold_size", "max_concurrency")
    rows = (
        ("lag, s", "lag", "line line0", "dot0"),
        ("read / text", "read", "line line2", "dot2"),
        ("leaked, characters", "leaked", "line line1", "dot1"),
    )
    canvas = Canvas(760, 452, "Delay, cost and leak against the sizes of windows")
    for column, name in enumerate(columns):
        x = 66 + 176 * column
        canvas.text(x + 72, 22, name, "title", "middle")
        for row, (title, key, line, dot) in enumerate(rows):
            y = 44 + 138 * row
            if column == 0:
                canvas.text(6, y - 8, title, "small")
            most = max(getattr(found, key) for sweep in columns for found in results[sweep].values())
            values = [(value, getattr(found, key)) for value, found in results[name].items()]
            _panel(canvas, x, y, values, most, (line, dot))
    canvas.text(
        6,
        446,
        f"{WORDS} tokens at {1 / PACE:.0f} a second, a judge of {LATENCY} s, a forbidden phrase of 8 tokens "
        f"({len(PHRASE)} characters); the rest as in the text",
        "small",
    )
    return canvas.finish()


def _panel(
    canvas: Canvas, x: float, y: float, values: list[tuple[str, float]], most: float, kinds: tuple[str, str]
) -> None:
    width, height = 144, 92
    for part in (0.0, 0.5, 1.0):
        canvas.line(x, y + height * (1 - part), x + width, y + height * (1 - part), "grid")
        canvas.text(x - 6, y + height * (1 - part) + 4, f"{most * part:.2g}", "small", "end")
    gap = width / (len(values) - 1)
    points = [(x + gap * index, y + height * (1 - value / most)) for index, (_, value) in enumerate(values)]
    canvas.path(points, kinds[0])
    for (place, high), (label, _) in zip(points, values, strict=True):
        canvas.dot(place, high, kinds[1])
        canvas.text(place, y + height + 16, label, "small", "middle")


def results() -> dict[str, dict[str, Measured]]:
    """Measure everything."""
    return {
        name: {str(next(iter(setting.values()))).lower(): measure(setting) for setting in settings}
        for name, settings in _SWEEPS.items()
    }


def rendered() -> tuple[str, str]:
    """Return the page and the picture as they must be."""
    found = results()
    return with_part(PAGE.read_text(encoding="utf-8"), "sizes", tables(found)), picture(found)


if __name__ == "__main__":
    page, drawn = rendered()
    PAGE.write_text(page, encoding="utf-8")
    PICTURE.write_text(drawn, encoding="utf-8")
