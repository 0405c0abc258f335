"""The edits that turn one text into another, for rewrites that are given as a whole text."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import accumulate

from handrail._types import Edit

_WORDS = re.compile(r"\w+|\W")
_MOST_PAIRS = 250_000  # of words, which is what comparing them costs


def differences(old: str, new: str) -> list[Edit]:
    """Return the edits, sorted and apart, that make `old` into `new`.

    They are found word by word. Texts with the same number of lines are compared line by line; what is too long to
    compare is one edit.
    """
    lines, others = old.split("\n"), new.split("\n")
    if len(lines) != len(others):
        return _of_line(old, new, 0)
    edits: list[Edit] = []
    start = 0
    for line, other in zip(lines, others, strict=True):
        if line != other:
            edits += _of_line(line, other, start)
        start += len(line) + 1
    return edits


def _of_line(old: str, new: str, offset: int) -> list[Edit]:
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    words, others = _WORDS.findall(before), _WORDS.findall(after)
    start += offset
    if len(words) * len(others) > _MOST_PAIRS:
        return [Edit(start, start + len(before), after)]
    places = list(accumulate(map(len, words), initial=start))
    return [
        Edit(places[i], places[j], "".join(others[k:m]))
        for tag, i, j, k, m in SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
        if tag != "equal"
    ]


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    low, high = 0, most  # the texts agree up to `low`, and not up to `high`
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
