"""The moving picture of the README: one answer twice, unguarded and guarded, at the times of a run of the engine."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from canvas import Canvas
from recording import Judge, Recording, record, words_of

_FORBIDDEN = "mix bleach with ammonia"
_ANSWER = (
    "Start at the top and let gravity help you. Wipe the hood with hot water, and leave the foam on the greasy spots "
    "for ten minutes. For the burnt ring around the hob, mix bleach with ammonia in one bucket and pour it over the "
    "crust while it is warm."
)
_JUDGE = 0.3  # seconds
_PACE = 0.1  # seconds a word
_PAUSE = 3.0  # seconds in which the end can be looked at
_COLUMNS, _CHARACTER, _LINE = 44, 7.23, 22.0  # characters a line; points a character and a line
_TOP, _LEFT, _WIDTH = 92.0, 18.0, 376.0


@dataclass(frozen=True)
class Shown:
    """A piece of text that appears at once, on one line of a panel."""

    text: str
    line: int
    column: int
    second: float
    harmful: bool


def stopped() -> str:
    """An answer that turns harmful: without rails the reader gets it, behind a judge it stops in mid-sentence."""
    bare = record(words_of(_ANSWER), {}, seconds_per_word=_PACE)
    guarded = record(
        words_of(_ANSWER),
        {"judge": Judge(_JUDGE, _FORBIDDEN)},
        seconds_per_word=_PACE,
        chunk_size=12,
        context_size=5,
        first_chunk_size=8,
    )
    if guarded.blocked_at is None:
        raise AssertionError("the judge has not stopped the answer")
    length = max(bare.ended_at, guarded.blocked_at) + _PAUSE
    canvas = Canvas(820, 262, "The same answer twice: unguarded it turns harmful, guarded it stops before that", length)
    canvas.text(_LEFT, 28, "How do I clean a greasy kitchen?", "title")
    canvas.text(802, 28, f"a judge of {_JUDGE:g} s reads along; times are those of a run", "small", "end")
    harm = _ANSWER.index(_FORBIDDEN)
    told = bare.delivered[_count_before(bare, harm + len(_FORBIDDEN))][0]
    _panel(canvas, 0, "without rails", bare, "bad")
    _panel(canvas, 410, "with Handrail", guarded, "good")
    canvas.appearing(_LEFT, 240, f"{told:.1f} s: the reader has been told", "bad", told)
    end = f"{guarded.blocked_at:.1f} s: stopped after {guarded.delivered[-1][1]} characters, none of them harmful"
    canvas.appearing(410 + _LEFT, 240, end, "good", guarded.blocked_at)
    return canvas.finish()


def _panel(canvas: Canvas, x: float, title: str, run: Recording, kind: str) -> None:
    canvas.rectangle(x + 4, 44, _WIDTH + 22, 172, "box", 6)
    canvas.text(x + _LEFT, 66, title, kind)
    canvas.text(x + _WIDTH + 14, 66, f"first words after {run.delivered[0][0]:.1f} s", "small", "end")
    for piece in _pieces(run.delivered):
        canvas.appearing(
            x + _LEFT + piece.column * _CHARACTER,
            _TOP + piece.line * _LINE,
            piece.text,
            "mono bad" if piece.harmful else "mono",
            piece.second,
            width=len(piece.text) * _CHARACTER,
        )


def _pieces(delivered: Sequence[tuple[float, int]]) -> Iterator[Shown]:
    """Cut what was delivered into pieces of one time, one line and one colour."""
    lines = textwrap.wrap(_ANSWER, _COLUMNS)
    harm = range(_ANSWER.index(_FORBIDDEN), _ANSWER.index(_FORBIDDEN) + len(_FORBIDDEN))
    start = 0
    for row, line in enumerate(lines):
        at = 0
        for column in range(1, len(line) + 1):
            ends = column == len(line)
            if ends or _mark(delivered, start + column, harm) != _mark(delivered, start + at, harm):
                second = _mark(delivered, start + at, harm)[0]
                if second is not None and line[at:column].strip():
                    yield Shown(line[at:column], row, at, second, start + at in harm)
                at = column
        start += len(line) + 1


def _mark(delivered: Sequence[tuple[float, int]], index: int, harm: range) -> tuple[float | None, bool]:
    """Return when a character was delivered, and whether it belongs to the harm."""
    return next((second for second, end in delivered if index < end), None), index in harm


def _count_before(run: Recording, end: int) -> int:
    return next(index for index, (_, length) in enumerate(run.delivered) if length >= end)
