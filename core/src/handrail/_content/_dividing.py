"""Divides what an edit puts in place of several leaves or parts among them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKS = re.compile(r"\W+")


def divide(covered: str, cuts: Sequence[int], replacement: str) -> list[str]:
    """Return what each stretch of a covered text gets of its replacement.

    A replacement with as many lines as what it covers is divided line by line. Any other goes into the first stretch
    of which something is covered, and the other stretches lose what was covered of them.

    Args:
        covered: what is replaced.
        cuts: where in it the line feeds stand that separate the stretches.
        replacement: what is put in its place.
    """
    if not cuts:
        return [replacement]
    if replacement.count("\n") == covered.count("\n"):
        return _by_lines(covered, cuts, replacement.split("\n"))
    texts = [""] * (len(cuts) + 1)
    if len(covered) == len(cuts):  # separators alone, which stay: white space in their place says nothing more
        texts[0] = "" if replacement.isspace() else replacement
    else:
        texts[next(n for n, (start, end) in enumerate(stretches(covered, cuts)) if end > start)] = replacement
    return texts


def divide_before_text(values: str, text: str, replacement: str) -> tuple[str, str] | None:
    """Return what values, and the plain text that follows them, get of what replaces both; None if that is unknown.

    The text begins with what ended the last value, such as a bracket, and is known by that where it is changed, too.

    Args:
        values: what is replaced of values.
        text: what is replaced of the text behind them.
        replacement: what is put in the place of both.
    """
    marks = _MARKS.match(text)
    if replacement.endswith(text):
        at = len(replacement) - len(text)
    elif replacement.startswith(values):
        at = len(values)
    elif marks is not None and replacement.count(marks[0]) > values.count(marks[0]):
        before = replacement.split(marks[0])[: values.count(marks[0]) + 1]
        at = len(marks[0].join(before))
    else:
        return None
    return replacement[:at], replacement[at:]


def stretches(covered: str, cuts: Sequence[int]) -> list[tuple[int, int]]:
    """Return start and end of what lies between the cuts."""
    return list(zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(covered)], strict=True))


def _by_lines(covered: str, cuts: Sequence[int], lines: list[str]) -> list[str]:
    texts: list[str] = []
    first = 0
    for start, end in stretches(covered, cuts):
        after = first + covered.count("\n", start, end) + 1
        texts.append("\n".join(lines[first:after]))
        first = after
    return texts
