"""Whether backtracking can blow up: judged when a configuration is loaded, never found out in a stream.

The pattern becomes an automaton with a state for each of its characters. It backtracks exponentially where one text
leads from a state back to itself in two ways, and as a power of the text's length where several repeats, one after
the other, can match the same text in many ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import factorial

from handrail_patterns._limits import accepts, width
from handrail_patterns._live import descendants
from handrail_patterns._tree import Atomic, Char, Edge, Either, Look, Node, Repeat, Seq

BUDGET = 3e8
"""The most steps that one stretch of hostile text may cost: some seconds, once, before the stream is blocked."""

_SHORT = 8
_LARGE = 64
_MAX_STATES = 1200
_SAMPLES = "aeszAZ059_ .,:;-+/@#\"'\n\t\xe9\u0416\u4e2d"


def cost(node: Node, limit: int) -> float:
    """Estimate the steps that a hostile text of `limit` characters can cost; infinite if exponential."""
    loops = [inner for inner in descendants(node) if isinstance(inner, Repeat) and _is_loop(inner)]
    for loop in loops:
        if loop.most is not None and width(loop.body)[0] == 0:
            return float("inf")  # whether a turn was taken or left empty doubles the ways each time
        if not isinstance(loop.body, Char) and _is_ambiguous(loop):
            return float("inf")
    return _shared_runs(_without_words(node), limit) if loops else float(limit)


def _without_words(node: Node) -> Node:
    """Put one set of characters for each large part without a loop: it may let more runs share a text, never fewer."""
    match node:
        case Seq(items):
            return Seq(tuple(_without_words(item) for item in items))
        case Repeat(body):
            return replace(node, body=_without_words(body))
        case Atomic(body):
            return Atomic(_without_words(body))
        case Either(options):
            parts = descendants(node)
            if len(parts) < _LARGE or any(isinstance(part, Repeat) and _is_loop(part) for part in parts):
                return Either(tuple(_without_words(option) for option in options))
            return _summary(node, parts)
        case _:
            return node


def _summary(node: Node, parts: Iterable[Node]) -> Node:
    sources = dict.fromkeys(part.source for part in parts if isinstance(part, Char))
    one = Char(f"(?:{'|'.join(sources)})")
    return Repeat(one, 0, 1) if width(node)[0] == 0 else one


@dataclass(slots=True)
class _Automaton:
    """States with the characters that lead into them; `edges` may name one state twice, for two ways to it."""

    sources: list[str] = field(default_factory=list)
    edges: list[list[int]] = field(default_factory=list)
    bounds: dict[int, int | None] = field(default_factory=dict)

    def add(self, source: str) -> int:
        if len(self.sources) >= _MAX_STATES:
            raise _TooLargeError
        self.sources.append(source)
        self.edges.append([])
        return len(self.sources) - 1


class _TooLargeError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Part:
    """States at which a piece begins and ends, and in how many ways it may be empty."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    empty: int


def _build(node: Node, automaton: _Automaton, unroll: int) -> _Part:
    match node:
        case Char(source):
            state = automaton.add(source)
            return _Part((state,), (state,), 0)
        case Seq(items):
            return _chain((_build(item, automaton, unroll) for item in items), automaton)
        case Either(options):
            parts = [_build(option, automaton, unroll) for option in options]
            return _Part(
                tuple(state for part in parts for state in part.first),
                tuple(state for part in parts for state in part.last),
                sum(part.empty for part in parts),
            )
        case Repeat(body, least, most) if most is not None and most <= unroll:
            return _unrolled([_build(body, automaton, unroll) for _ in range(most)], least, automaton)
        case Repeat(body, least, most):
            part = _build(body, automaton, unroll)
            _link(part.last, part.first, automaton)
            for state in part.first:
                automaton.bounds[state] = most
            return _Part(part.first, part.last, part.empty + (least == 0))
        case Atomic(body):
            return _build(body, automaton, unroll)
        case Look() | Edge():
            return _Part((), (), 1)


def _unrolled(copies: list[_Part], least: int, automaton: _Automaton) -> _Part:
    """Join copies of which a later one stands only where those before it do, so that they can share nothing out."""
    if not copies or any(copy.empty for copy in copies):
        optional = [copy if n < least else _Part(copy.first, copy.last, 1) for n, copy in enumerate(copies)]
        return _chain(optional, automaton)
    for before, after in pairwise(copies):
        _link(before.last, after.first, automaton)
    last = tuple(state for copy in copies[max(least - 1, 0) :] for state in copy.last)
    return _Part(copies[0].first, last, int(least == 0))


def _chain(parts: Iterable[_Part], automaton: _Automaton) -> _Part:
    whole = _Part((), (), 1)
    for part in parts:
        _link(whole.last, part.first, automaton)
        whole = _Part(
            whole.first + part.first * min(whole.empty, 2),
            part.last + whole.last * min(part.empty, 2),
            min(whole.empty * part.empty, 2),
        )
    return whole


def _link(before: Iterable[int], after: Iterable[int], automaton: _Automaton) -> None:
    for state in before:
        automaton.edges[state].extend(after)


def _is_loop(node: Repeat) -> bool:
    return node.mode != "possessive" and (node.most is None or node.most > _SHORT)


def _is_ambiguous(loop: Repeat) -> bool:
    """Return whether some text leads through the loop's body, back to where it began, in two ways."""
    automaton = _automaton(Repeat(loop.body, 0, None), _SHORT)
    if automaton is None:
        return True
    masks = _masks(automaton.sources)
    edges = [list(enumerate(states)) for states in automaton.edges]
    return any(_forks(state, edges, masks) for state in range(len(masks)))


def _forks(origin: int, edges: list[list[tuple[int, int]]], masks: list[int]) -> bool:
    start = (origin, origin, False)
    seen, waiting = {start}, [start]
    while waiting:
        left, right, apart = waiting.pop()
        for left_edge, left_next in edges[left]:
            for right_edge, right_next in edges[right]:
                if not masks[left_next] & masks[right_next]:
                    continue
                now_apart = apart or left_next != right_next or (left == right and left_edge != right_edge)
                state = (left_next, right_next, now_apart)
                if state == (origin, origin, True):
                    return True
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
    return False


def _shared_runs(node: Node, limit: int) -> float:
    """Count the ways in which the most costly chain of repeats can share out a text, over all its beginnings."""
    automaton = _automaton(node, _SHORT)
    if automaton is None:
        return float("inf")
    masks = _masks(automaton.sources)
    loops = [state for state in automaton.bounds if state in automaton.edges[state]]
    worst: dict[int, tuple[float, int]] = {}
    for state in reversed(loops):
        following = [worst[later] for later in loops if later > state and _share(state, later, automaton, masks)]
        ways, length = max(following, default=(1.0, 0))
        bound = automaton.bounds[state]
        worst[state] = (ways * (limit if bound is None else min(bound, limit)), length + 1)
    return max((limit * ways / factorial(length + 1) for ways, length in worst.values()), default=float(limit))


def _share(first: int, last: int, automaton: _Automaton, masks: list[int]) -> bool:
    """Return whether a text that both repeats take can also lead from the first to the last of them."""
    common = masks[first] & masks[last]
    seen, waiting = {first}, [first]
    while waiting:
        for after in automaton.edges[waiting.pop()]:
            if after not in seen and masks[after] & common:
                seen.add(after)
                waiting.append(after)
    return last in seen


def _automaton(node: Node, unroll: int) -> _Automaton | None:
    for copies in (unroll, 0):
        automaton = _Automaton()
        with suppress(_TooLargeError):
            _build(node, automaton, copies)
            return automaton
    return None


def _masks(sources: list[str]) -> list[int]:
    """Represent each set of characters by those of a few telling characters that it has."""
    telling = dict.fromkeys(_SAMPLES)
    for source in set(sources):
        for char in _mentioned(source):
            telling.update(dict.fromkeys(chr(code) for code in (ord(char) - 1, ord(char), ord(char) + 1) if code >= 0))
    alphabet = list(telling)
    return [sum(accepts(source, char) << bit for bit, char in enumerate(alphabet)) for source in sources]


def _mentioned(source: str) -> Iterable[str]:
    body = re.sub(r"^\(\?[ia]+:|\\[dDsSwW]", "", source)
    for code, plain in re.findall(r"\\(x..|u....|U........)|(\w)", body):
        yield chr(int(code[1:], 16)) if code else plain
