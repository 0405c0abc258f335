"""The pictures, each a function of what the engine did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from canvas import Canvas, steps
from moving import stopped
from recording import Checked, Judge, Recording, record, words_of

_TEXT = (
    "Start at the top and let gravity help you. Wipe the hood with hot water and leave the foam on the greasy spots "
    "for ten minutes. The sink comes next. Sprinkle some soda into the wet basin, rub it round with half a lemon, and "
    "rinse it well. Finish with the floor, working backwards to the door, and let it dry before you put the chairs "
    "back where they were."
)
_FORBIDDEN = "mix bleach with ammonia"
_HARMFUL = (
    "Start at the top and let gravity help you. Wipe the hood with hot water and leave the foam on the greasy spots "
    "for ten minutes. Then mix bleach with ammonia in one bucket and pour it over the burnt ring around the hob."
)


@dataclass(frozen=True)
class Plot:
    """Turns seconds and characters into places on a canvas."""

    canvas: Canvas
    left: float
    top: float
    width: float
    height: float
    seconds: float
    characters: int

    def x(self, second: float) -> float:
        """Return the place of a moment."""
        return self.left + self.width * second / self.seconds

    def y(self, character: float) -> float:
        """Return the place of an offset in the text, from below."""
        return self.top + self.height * (1 - character / self.characters)

    def at(self, points: list[tuple[float, int]]) -> list[tuple[float, float]]:
        """Return the places of many."""
        return [(self.x(second), self.y(character)) for second, character in points]

    def axes(self, every: float = 0.5) -> None:
        """Draw both axes, with a mark for each half second."""
        low, right = self.top + self.height, self.left + self.width
        for index in range(int(self.seconds / every + 1e-9) + 1):
            x = self.x(index * every)
            self.canvas.line(x, self.top, x, low, "grid")
            self.canvas.text(x, low + 16, f"{index * every:g} s", "small", "middle")
        self.canvas.line(self.left, low, right, low, "axis")
        self.canvas.line(self.left, self.top, self.left, low, "axis")

    def flow(self, recording: Recording) -> None:
        """Draw what was generated and what was delivered, and what waits between the two."""
        made = steps([(0.0, 0), *recording.generated, (recording.ended_at, recording.length)])
        out = steps([(0.0, 0), *recording.delivered])
        if recording.delivered:
            out.append((recording.ended_at, recording.delivered[-1][1]))
        self.canvas.path([*self.at(made), *reversed(self.at(out))], "waiting", closed=True)
        self.canvas.path(self.at(made), "made")
        self.canvas.path(self.at(out), "out")

    def check(self, check: Checked, kind: str = "check") -> None:
        """Draw a check from its beginning to its end, over the text that it reads."""
        x, width = self.x(check.begin), self.x(check.end) - self.x(check.begin)
        window = check.window
        if check.decision != "allow":
            kind = "blocks" if check.decision == "block" else "left"
        for begin, end, shown in ((window.context_start, window.start, "overlap"), (window.start, window.end, kind)):
            if begin < end:
                self.canvas.rectangle(x, self.y(end), width, self.y(begin) - self.y(end), shown)


def cleared() -> str:
    """How far text is cleared: what the model has written, what is being checked, what the reader sees."""
    run = record(
        words_of(_TEXT),
        {"judge": Judge(0.4)},
        seconds_per_word=0.04,
        chunk_size=22,
        context_size=6,
        first_chunk_size=12,
    )
    canvas = Canvas(760, 406, "How far text is cleared while a model writes and a judge of 0.4 seconds reads along")
    plot = Plot(canvas, 60, 44, 670, 300, 3.5, run.length)
    plot.axes()
    plot.flow(run)
    for check in run.checks:
        plot.check(check)
    canvas.text(
        14, 24, f"One stream: {len(run.generated)} words in 2.8 seconds, a judge that takes 0.4 seconds", "title"
    )
    canvas.text(54, 58, "text", "small", "end")
    canvas.text(
        60, 382, "dashed: what the model has written · green: what the reader sees · yellow: what waits", "small"
    )
    canvas.text(
        60,
        398,
        "blue: checks, from their beginning to their end, over the text that they read; their overlap is pale",
        "small",
    )
    made, seen = run.generated[-1], run.delivered[-1]
    canvas.text(plot.x(made[0]) - 8, plot.y(made[1]) + 4, "the model has ended", "", "end")
    canvas.text(plot.x(seen[0]), plot.y(seen[1]) - 8, f"+ {seen[0] - made[0]:.1f} s", "good", "middle")
    first = run.delivered[0]
    canvas.text(plot.x(first[0]) + 6, plot.y(0) - 8, f"first text after {first[0]:.2f} s", "good")
    return canvas.finish()


def hold() -> str:
    """A violation that lies across two windows: the tail of the first one is held until the second was judged."""
    run = record(
        words_of(_HARMFUL),
        {"judge": Judge(0.2, _FORBIDDEN)},
        seconds_per_word=0.04,
        chunk_size=40,
        context_size=9,
        first_chunk_size=31,
    )
    canvas = Canvas(760, 268, "A forbidden phrase across two windows: the tail of the first window was held")
    begin = _HARMFUL.index(_FORBIDDEN)
    end = begin + len(_FORBIDDEN)
    if not begin < run.checks[0].window.end < end:
        raise AssertionError(f"the phrase [{begin}, {end}) lies not across the end of {run.checks[0].window}")
    shown = max(check.window.end for check in run.checks if check.decision != "left")
    row = Row(canvas, 132, 604, shown)
    canvas.text(14, 24, "A forbidden phrase lies across two windows", "title")
    canvas.rectangle(row.x(begin), 62, row.x(end) - row.x(begin), 22, "blocks")
    canvas.text(14, 78, "the text")
    canvas.rectangle(row.x(0), 62, row.x(begin) - row.x(0), 22, "box")
    canvas.rectangle(row.x(end), 62, row.x(shown) - row.x(end), 22, "box")
    canvas.text((row.x(begin) + row.x(end)) / 2, 54, f"“{_FORBIDDEN}”", "bad", "middle")
    for index, check in enumerate(check for check in run.checks if check.decision != "left"):
        row.window(f"window {index + 1}", check, 104 + 44 * index)
    out = run.delivered[-1][1]
    canvas.text(14, 214, "the reader sees")
    canvas.rectangle(row.x(0), 198, row.x(out) - row.x(0), 22, "passed")
    for x in (row.x(begin), row.x(end)):
        canvas.line(x, 86, x, 220, "cut")
    canvas.text(
        14,
        254,
        "green: cleared · yellow: seen, but held for the next window · pale blue: overlap, seen again · red: blocked",
        "small",
    )
    return canvas.finish()


@dataclass(frozen=True)
class Row:
    """Turns characters into places along a row."""

    canvas: Canvas
    left: float
    width: float
    characters: int

    def x(self, character: int) -> float:
        """Return the place of an offset in the text."""
        return self.left + self.width * character / self.characters

    def window(self, label: str, check: Checked, y: float) -> None:
        """Draw a window with what it repeats, clears and holds."""
        window = check.window
        self.canvas.text(14, y + 16, label)
        parts = [(window.context_start, window.start, "overlap")]
        if check.decision == "block":
            parts.append((window.start, window.end, "blocks"))
        else:
            parts += [(window.start, window.clears, "passed"), (window.clears, window.end, "held")]
        for begin, end, kind in parts:
            if begin < end:
                self.canvas.rectangle(self.x(begin), y, self.x(end) - self.x(begin), 22, kind)


def retraction() -> str:
    """The same answer with and without `stream_first`: one is never shown, the other is shown and withdrawn."""
    canvas = Canvas(760, 330, "The same block with stream_first false and true")
    settings = {"chunk_size": 30, "context_size": 8, "first_chunk_size": 28}
    for index, first in enumerate((False, True)):
        run = record(
            words_of(_HARMFUL), {"judge": Judge(0.5, _FORBIDDEN)}, seconds_per_word=0.04, stream_first=first, **settings
        )
        plot = Plot(canvas, 40 + 376 * index, 50, 310, 210, 2.5, len(_HARMFUL))
        plot.axes()
        plot.flow(run)
        for check in run.checks:
            plot.check(check)
        canvas.text(plot.left, 30, f"stream_first: {str(first).lower()}", "title")
        x = plot.x(run.blocked_at or 0)
        canvas.line(x, plot.top, x, plot.top + plot.height, "cut")
        canvas.text(x + 5, plot.top + plot.height - 8, "block", "bad")
        if run.retraction is not None:
            begin, end = run.retraction
            canvas.rectangle(x - 5, plot.y(end), 5, plot.y(begin) - plot.y(end), "blocks")
            canvas.text(plot.x(2.02), plot.y(begin) + 16, "withdrawn", "bad", "end")
    canvas.text(
        14, 300, "dashed: what the model has written · green: what the reader sees · yellow: what waits", "small"
    )
    canvas.text(14, 317, "blue: checks that passed · red: the check that blocks, and what is withdrawn", "small")
    return canvas.finish()


def parallel() -> str:
    """Two rails that judge the same text side by side: the reader sees what the slower one has cleared."""
    run = record(
        words_of(_TEXT),
        {"quick": Judge(0.15), "slow": Judge(0.6)},
        seconds_per_word=0.04,
        chunk_size=22,
        context_size=6,
        first_chunk_size=12,
    )
    canvas = Canvas(760, 396, "Two rails side by side: what the slower one has cleared is delivered")
    plot = Plot(canvas, 60, 44, 670, 290, 3.5, run.length)
    plot.axes()
    plot.flow(run)
    for name, kind in (("quick", "second"), ("slow", "check")):
        for check in run.checks:
            if check.rail == name:
                plot.check(check, kind)
        points = steps([(0.0, 0), *_cleared_by(run, name), (run.ended_at, run.length)])
        canvas.path(plot.at(points), "line line3" if name == "quick" else "line line0")
    canvas.text(14, 24, "Two rails on the same text: one takes 0.15 seconds, the other 0.6", "title")
    made, seen = run.generated[-1], run.delivered[-1]
    canvas.text(plot.x(seen[0]), plot.y(seen[1]) - 8, f"+ {seen[0] - made[0]:.1f} s", "good", "middle")
    canvas.text(60, 372, "purple: the quick rail, its checks and what it has cleared · blue: the slow one", "small")
    canvas.text(60, 388, "green: what the reader sees, which is what the slow one has cleared", "small")
    plot.canvas.path(plot.at(steps([(0.0, 0), *run.delivered])), "out")
    return canvas.finish()


def _cleared_by(run: Recording, rail: str) -> list[tuple[float, int]]:
    """Return when a rail had cleared how much: verdicts count in the order of their windows."""
    checks = sorted((check for check in run.checks if check.rail == rail), key=lambda check: check.window.start)
    found: list[tuple[float, int]] = []
    for check in checks:
        found.append((max([check.end, *(moment for moment, _ in found)]), check.window.clears))
    return found


def latency() -> str:
    """Where the time goes: checks run while the model writes, so that only the last one is waited for."""
    words = [f" w{index:03}" for index in range(100)]
    run = record(
        words,
        {"judge": Judge(0.5)},
        seconds_per_word=0.04,
        chunk_size=25,
        context_size=5,
        first_chunk_size=25,
        hold_size=5,
    )
    canvas = Canvas(760, 300, "Checks overlap with the model and with one another, so that guarding costs one of them")
    seconds = 10.5
    plot = Plot(canvas, 150, 50, 590, 190, seconds, 1)
    plot.axes(1.0)
    ended, last = run.generated[-1][0], run.delivered[-1][0]
    canvas.text(14, 24, "Four seconds of a model's answer, a judge that takes half a second", "title")
    canvas.text(14, 72, "the model")
    canvas.rectangle(plot.x(0), 58, plot.x(ended) - plot.x(0), 18, "box")
    canvas.text(14, 98, "Handrail's checks")
    free: list[float] = []
    for check in sorted(run.checks, key=lambda check: check.begin):
        level = next((index for index, until in enumerate(free) if until <= check.begin + 1e-9), len(free))
        free[level : level + 1] = [check.end]
        canvas.rectangle(plot.x(check.begin), 84 + 20 * level, plot.x(check.end) - plot.x(check.begin), 16, "check")
    canvas.line(plot.x(last), 50, plot.x(last), 150, "out")
    canvas.text(plot.x(last) + 6, 66, f"all delivered: {last:.1f} s", "good")
    _one_by_one(plot, run, 168)
    canvas.text(
        14,
        284,
        "The lower half is reckoned, and not run: the same windows, the stream waiting for each of them.",
        "small",
    )
    return canvas.finish()


def _one_by_one(plot: Plot, run: Recording, y: float) -> None:
    """Draw the same windows with a guard that stops the stream for each of them."""
    plot.canvas.text(14, y + 14, "waiting for each")
    now, written = 0.0, 0.0
    for check in sorted(run.checks, key=lambda check: check.window.start):
        generation = check.begin - written
        written = check.begin
        plot.canvas.rectangle(plot.x(now), y, plot.x(now + generation) - plot.x(now), 18, "box")
        now += generation
        length = check.end - check.begin
        plot.canvas.rectangle(plot.x(now), y + 24, plot.x(now + length) - plot.x(now), 16, "second")
        now += length
    plot.canvas.line(plot.x(now), y - 6, plot.x(now), y + 60, "cut")
    plot.canvas.text(plot.x(now) + 6, y + 14, f"{now:.1f} s", "bad")


def chain() -> str:
    """The stages that an answer passes."""
    canvas = Canvas(760, 250, "A chain of stages: a stream rail, two window rails side by side, another stream rail")
    canvas.text(14, 24, "An answer passes its stages in the order of the flows", "title")
    boxes: Mapping[str, tuple[float, float, str, str, str]] = {
        "model": (14, 100, "the model", "chunks of any size", "box"),
        "patterns": (158, 100, "stream rail", "“secret check”", "passed"),
        "judge": (324, 62, "window rail", "“self check output”", "check"),
        "toxicity": (324, 138, "window rail", "“toxicity check”", "second"),
        "mask": (496, 100, "stream rail", "“personal data check”", "passed"),
        "reader": (660, 100, "the reader", "what is cleared", "box"),
    }
    widths = {"model": 116, "patterns": 132, "judge": 146, "toxicity": 146, "mask": 138, "reader": 94}
    canvas.rectangle(312, 44, 170, 164, "left", 6)
    canvas.text(397, 226, "one stage: both read the same text,", "small", "middle")
    canvas.text(397, 241, "the slower one decides what goes on", "small", "middle")
    for key, (x, y, title, below, kind) in boxes.items():
        canvas.rectangle(x, y, widths[key], 52, kind, 6)
        canvas.text(x + widths[key] / 2, y + 22, title, "", "middle")
        canvas.text(x + widths[key] / 2, y + 40, below, "small", "middle")
    for x1, x2 in ((130, 154), (290, 308), (482, 492), (634, 656)):
        canvas.arrow(x1, 126, x2, 126)
    return canvas.finish()


PICTURES: Mapping[str, Callable[[], str]] = {
    "cleared": cleared,
    "hold": hold,
    "retraction": retraction,
    "chain": chain,
    "parallel": parallel,
    "latency": latency,
    "stopped": stopped,
}
"""Each picture by the name of its file."""
