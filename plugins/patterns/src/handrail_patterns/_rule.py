"""One pattern, made ready for streams, or refused with the reason and a way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

from handrail.errors import ConfigurationError

from handrail_patterns import _re2
from handrail_patterns._actions import Action
from handrail_patterns._cost import BUDGET, cost
from handrail_patterns._limits import bounded, endless, lookback, reach, shortest_tail, width
from handrail_patterns._live import Gate, full, gate, undecided_or_full
from handrail_patterns._tree import Node, UnsupportedPatternError, parse

DEFAULT_LIMIT = 1024
LONGEST_LIMIT = 65_536

Check: TypeAlias = Callable[[str], bool]
"""Looks at a match more closely than a pattern can, as a checksum does; what it refuses is no match."""


class Hit(NamedTuple):
    """Where a pattern matches, or may still come to match: then the hit is `undecided` and its end means nothing."""

    start: int
    end: int
    undecided: bool


class Seek(Protocol):
    """Finds the first hit at or after a position."""

    def __call__(self, text: str, position: int, /) -> Hit | None: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, ready.

    Attributes:
        name: what it is called in a configuration and in logs.
        action: what happens to its matches.
        limit: more characters than this are never held for it: the stream is blocked.
        lookback: how many characters before a match it may look at.
        seek: finds hits in a text that goes on.
        at: finds a hit at a position and nowhere else; only where there is a gate.
        seek_last: finds matches in a text that has ended.
        gate: how it begins, for a search in common with others; None if it is not run by `re`.
        check: looks at each match.
        order: its place in its rail: of two equal matches, the earlier one's counts.
    """

    name: str
    action: Action
    limit: int
    lookback: int
    seek: Seek
    seek_last: Seek
    at: Seek
    gate: Gate | None = None
    check: Check | None = None
    order: int = 0


def make_rule(
    name: str,
    pattern: str,
    action: Action,
    *,
    ignore_case: bool = False,
    limit: int | None = None,
    check: Check | None = None,
    order: int = 0,
    is_ours: bool = False,
) -> Rule:
    """Derive everything that a stream needs from a pattern.

    Args:
        name: what the pattern is called.
        pattern: a regular expression of Python's `re`.
        action: what happens to its matches.
        ignore_case: whether upper and lower case are one.
        limit: the longest match in characters; by default the pattern's own, or 1,024 if it has none.
        check: looks at each match.
        order: its place in its rail.
        is_ours: whether it is a pattern of this package, whose cost the tests have judged.

    Raises:
        ConfigurationError: the pattern does not compile, matches the empty string, has no end, or may take for ever.
    """
    flags = re.IGNORECASE if ignore_case else 0
    only_start_counts = action.name == "block" and check is None
    try:
        re.compile(pattern, flags)  # refuses more than the parser does, such as look-behinds of no fixed width
        node = parse(pattern, flags)
        node = shortest_tail(node) if only_start_counts else node
        longest = _longest(node, limit)
        source, found = undecided_or_full(node), gate(node)
    except re.error as exc:
        raise ConfigurationError(_does_not_compile(name, pattern, exc)) from exc
    except (UnsupportedPatternError, OverflowError, RecursionError) as exc:
        raise ConfigurationError(f"pattern {name!r} cannot be used on a stream: {exc}: {_shown(pattern)}") from exc
    if width(node)[0] == 0:
        raise ConfigurationError(_matches_nothing(name, pattern))
    rule = Rule(name, action, longest, lookback(node), _never, _never, _never, None, check, order)
    steps = 0.0 if is_ours else cost(node, longest)
    if steps <= BUDGET:
        return _run_by_re(rule, node, source, found)
    if pair := _re2.compile_pair(node):
        return replace(rule, seek=pair.seek, seek_last=pair.seek_last)
    raise _refusal(name, pattern, steps)


def _run_by_re(rule: Rule, node: Node, source: str, found: Gate) -> Rule:
    going_on, ended = re.compile(source), re.compile(full(node))
    return replace(
        rule, seek=_seek(going_on.search), at=_seek(going_on.match), seek_last=_seek(ended.search), gate=found
    )


def _longest(node: Node, limit: int | None) -> int:
    if limit is not None:
        return limit
    if repeat := endless(node):
        raise UnsupportedPatternError(
            f"'{_as_written(repeat)}' runs on through ordinary text, so everything after it begins would be held; "
            f"limit it, such as '{_as_written(bounded(repeat, 200))}', or set 'max_match', beyond which it blocks"
        )
    longest = reach(node)
    if longest is not None and longest > LONGEST_LIMIT:
        raise UnsupportedPatternError(
            f"its matches may have {longest:,} characters, all of which would be held; lower its counts, "
            f"or set 'max_match', beyond which the stream is blocked"
        )
    return DEFAULT_LIMIT if longest is None else max(longest, 1)


def _refusal(name: str, pattern: str, steps: float) -> ConfigurationError:
    worst = "exponential time" if steps == float("inf") else f"about {steps:.0e} steps"
    other = "RE2 cannot run it either" if _re2.is_installed() else "or install google-re2, which may be able to run it"
    return ConfigurationError(
        f"pattern {name!r} can take {worst} on a hostile text: repeats in it can share out one text in many ways; "
        f"write it without repeats that overlap, or set a lower 'max_match'; {other}: {_shown(pattern)}"
    )


def _never(_text: str, _position: int, /) -> Hit | None:
    return None


def _seek(find: Callable[[str, int], re.Match[str] | None]) -> Seek:
    def seek(text: str, position: int, /) -> Hit | None:
        match = find(text, position)
        if match is None or match.start() == len(text):
            return None
        return Hit(match.start(), match.end(), match.lastindex is not None)

    return seek


def _does_not_compile(name: str, pattern: str, error: re.error) -> str:
    where = f" at character {error.pos}" if error.pos is not None else ""
    return f"pattern {name!r} does not compile: {error.msg}{where}: {_shown(pattern)}"


def _as_written(node: Node) -> str:
    return full(node).replace(r"[^\n]", ".")


def _matches_nothing(name: str, pattern: str) -> str:
    return (
        f"pattern {name!r} matches the empty string, and so matches everywhere; "
        f"ask for at least one character, with '+' in place of '*': {_shown(pattern)}"
    )


def _shown(pattern: str) -> str:
    return repr(pattern if len(pattern) <= 120 else f"{pattern[:117]}...")
