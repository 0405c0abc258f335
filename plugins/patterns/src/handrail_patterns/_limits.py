"""How long a pattern's matches can be, how far back it looks, and whether it ever ends in ordinary text."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from string import ascii_lowercase

from handrail_patterns._live import descendants
from handrail_patterns._tree import NOTHING, Atomic, Char, Edge, Either, Look, Node, Repeat, Seq, seq

_LONGEST_RUN = 256


def width(node: Node) -> tuple[int, int | None]:
    """Return the least and the greatest number of characters that a node matches; None for any number."""
    match node:
        case Char():
            return (1, 1)
        case Seq(items):
            widths = [width(item) for item in items]
            return (sum(least for least, _ in widths), _total([most for _, most in widths]))
        case Either(options):
            widths = [width(option) for option in options]
            greatest = [most for _, most in widths]
            return (
                min(least for least, _ in widths),
                None if None in greatest else max(filter(None, greatest), default=0),
            )
        case Repeat(body, least, most):
            inner_least, inner_most = width(body)
            if inner_most == 0:
                return (0, 0)
            return (inner_least * least, None if most is None or inner_most is None else most * inner_most)
        case Atomic(body):
            return width(body)
        case Look() | Edge():
            return (0, 0)


def reach(node: Node) -> int | None:
    """Return how many characters after its beginning an attempt may read, look-aheads included; None for any number."""
    ahead = [width(inner.body)[1] for inner in descendants(node) if isinstance(inner, Look) and not inner.behind]
    return _total([width(node)[1], *ahead])


def lookback(node: Node) -> int:
    """Return how many characters before its beginning a match may look at; never less than one."""
    behind = [width(inner.body)[1] or 0 for inner in descendants(node) if isinstance(inner, Look) and inner.behind]
    return max(behind, default=0) + 1


def endless(node: Node) -> Repeat | None:
    """Find a repeat that can run on through ordinary text forever: one that takes letters and spaces alike."""
    for inner in descendants(node):
        if isinstance(inner, Repeat) and inner.most is None:
            sources = [char.source for char in descendants(inner.body) if isinstance(char, Char)]
            if any(accepts(source, " ") for source in sources) and _takes_letters(sources):
                return inner
    return None


def without_runs(node: Node) -> Node:
    """Limit the runs of letters and spaces that end with the first comma: longer ones than a line are no match."""
    match node:
        case Repeat(Char(source), least, None, mode) if _is_run(source):
            return Repeat(node.body, least, max(least, _LONGEST_RUN), mode)
        case Repeat(body):
            return replace(node, body=without_runs(body))
        case Seq(items):
            return Seq(tuple(without_runs(item) for item in items))
        case Either(options):
            return Either(tuple(without_runs(option) for option in options))
        case Atomic(body):
            return Atomic(without_runs(body))
        case _:
            return node


def _is_run(source: str) -> bool:
    return accepts(source, " ") and _takes_letters([source]) and not any(accepts(source, sign) for sign in ",;:")


def bounded(node: Repeat, most: int) -> Repeat:
    """Return the same repeat with a limit."""
    return Repeat(node.body, node.least, max(node.least, most), node.mode)


def shortest_tail(node: Node) -> Node:
    """Drop what a match may take at its end without need: enough to tell where a match begins, as a block does."""
    match node:
        case Seq(items):
            kept = list(items)
            while kept:
                kept[-1] = shortest_tail(kept[-1])
                if kept[-1] != NOTHING:
                    break
                kept.pop()
            return seq(kept)
        case Either(options):
            return Either(tuple(shortest_tail(option) for option in options))
        case Repeat(_, 0):
            return NOTHING
        case Repeat(body, least, most, mode) if most != least:
            return Repeat(body, least, least, mode)
        case Atomic(body):
            return shortest_tail(body)
        case _:
            return node


@lru_cache(maxsize=8192)
def accepts(source: str, char: str) -> bool:
    """Return whether the pattern of one character matches this one."""
    return re.fullmatch(source, char) is not None


def _takes_letters(sources: list[str]) -> bool:
    taken = sum(any(accepts(source, letter) for source in sources) for letter in ascii_lowercase)
    return taken > len(ascii_lowercase) // 2


def _total(widths: list[int | None]) -> int | None:
    return None if None in widths else sum(filter(None, widths))
