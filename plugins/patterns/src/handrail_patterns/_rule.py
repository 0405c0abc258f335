"""One pattern, made ready for streams, or refused with the reason and a way out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from handrail.errors import ConfigurationError, message_of

from handrail_patterns import _re2
from handrail_patterns._actions import Action
from handrail_patterns._context import REACH
from handrail_patterns._cost import BUDGET, cost
from handrail_patterns._hit import At, Hit, Seek
from handrail_patterns._kind import Way
from handrail_patterns._limits import bounded, endless, lookback, reach, shortest_tail, width, without_runs
from handrail_patterns._live import Gate, full, gate, live, undecided_or_full
from handrail_patterns._tree import NOTHING, Node, UnsupportedPatternError, parse, seq
from handrail_patterns._whole import OpenParts, open_parts

DEFAULT_LIMIT = 1024
LONGEST_LIMIT = 65_536

_ANY_WAY = Way("")
_KEPT = 2048  # rules that stay compiled for the next configuration


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, ready.

    Attributes:
        name: what it is called in a configuration and in logs.
        action: what happens to its matches.
        limit: more characters than this are never held for it: the stream is blocked.
        lookback: how many characters before a match it may look at.
        is_bounded: whether no attempt can wait for more than `limit` characters, so that it need not be watched.
        seek: finds hits in a text that goes on.
        seek_last: finds matches in a text that has ended.
        at: looks for a match at a position and nowhere else, in a text that goes on; its first group takes part
            where that is undecided, its second where the value begins. Only where there is a gate.
        at_last: the same in a text that has ended.
        gate: how it begins, for a search in common with others; None if it is not run by `re`.
        way: what looks at a value more closely than a pattern can.
        closing: what a whole value ends with, if that is to be watched.
        parts: for an input: the expression taken apart at its open gaps, in place of all the searches above.
        order: its place in its rail: of two equal matches, the earlier one's counts.
    """

    name: str
    action: Action
    limit: int
    lookback: int
    is_bounded: bool
    seek: Seek
    seek_last: Seek
    at: At
    at_last: At
    gate: Gate | None = None
    way: Way = _ANY_WAY
    closing: re.Pattern[str] | None = None
    parts: OpenParts | None = None
    order: int = 0

    @property
    def needs_word(self) -> bool:
        """Whether the value, which begins where the match does, counts only after a word."""
        return self.way.near is not None

    def is_whole(self, text: str, /) -> bool:
        """Return whether a value has its end, rather than going on to the end of the text."""
        return self.closing is None or self.closing.search(text) is not None


def make_rule(
    name: str,
    pattern: str,
    action: Action,
    *,
    way: Way | None = None,
    ignore_case: bool = False,
    limit: int | None = None,
    order: int = 0,
    is_ours: bool = False,
    whole_text: bool = False,
) -> Rule:
    """Derive everything that a stream needs from a pattern; once in a process, for it takes a while and never changes.

    Args:
        name: what the pattern is called.
        pattern: a regular expression of Python's `re`.
        action: what happens to its matches.
        way: for a kind: what stands before the value, and what looks at it more closely.
        ignore_case: whether upper and lower case are one.
        limit: the longest match in characters; by default the pattern's own, or 1,024 if it has none.
        order: its place in its rail.
        is_ours: whether it is a pattern of this package, whose cost the tests have judged.
        whole_text: whether the text is an input, of which nothing goes out before all of it has come.

    Raises:
        ConfigurationError: the pattern does not compile, matches the empty string, has no end, or may take forever.
    """
    make = _make_rule.__wrapped__ if action.key else _make_rule  # what has a secret in it is kept by nobody else
    return make(name, pattern, action, way or Way(pattern), ignore_case, limit, order, is_ours, whole_text)


@lru_cache(maxsize=_KEPT)
def _make_rule(
    name: str,
    pattern: str,
    action: Action,
    way: Way,
    ignore_case: bool,  # noqa: FBT001  # positional, for the cache
    limit: int | None,
    order: int,
    is_ours: bool,  # noqa: FBT001  # likewise
    whole_text: bool,  # noqa: FBT001  # likewise
) -> Rule:
    try:
        form = _form(pattern, way, re.IGNORECASE if ignore_case else 0, blocks=action.name == "block")
        if whole_text and limit is None and (rule := _without_a_limit(name, form, action, way, order)) is not None:
            return rule
        longest = _longest(form.node, limit)
        source, found = form.going_on(), gate(form.node)
    except re.error as exc:
        raise ConfigurationError(_does_not_compile(name, pattern, exc)) from exc
    except (UnsupportedPatternError, OverflowError, RecursionError) as exc:
        raise ConfigurationError(
            f"pattern {name!r} cannot be used on a stream: {message_of(exc)}: {_shown(pattern)}"
        ) from exc
    if width(form.value)[0] == 0:
        raise ConfigurationError(_matches_nothing(name, pattern))
    rule = _unready(name, action, longest, form.node, way, order)
    steps = 0.0 if is_ours else cost(form.node, longest)
    if steps <= BUDGET:
        return _run_by_re(rule, source, form.ended(), found)
    if not way.lead and (pair := _re2.compile_pair(form.node)):
        return replace(rule, seek=pair.seek, seek_last=pair.seek_last)
    raise _refusal(name, pattern, steps)


@dataclass(frozen=True, slots=True)
class _Form:
    """A pattern as trees: what stands before a value, and the value."""

    lead: Node
    value: Node

    @property
    def node(self) -> Node:
        return self.value if self.lead == NOTHING else seq((self.lead, self.value))

    def ended(self) -> str:
        """Write the pattern for a text that has ended."""
        return full(self.node) if self.lead == NOTHING else f"(?:(?!)())?{full(self.lead)}({full(self.value)})"

    def going_on(self) -> str:
        """Write the pattern for a text that goes on."""
        if self.lead == NOTHING:
            return undecided_or_full(self.node)
        return f"(?:(?:{live(self.node) or '(?!)'})()|{full(self.lead)}({full(self.value)}))"


def _form(pattern: str, way: Way, flags: int, *, blocks: bool) -> _Form:
    re.compile(way.lead + pattern, flags)  # refuses more than the parser does, such as look-behinds of no fixed width
    lead, value = parse(way.lead, flags), without_runs(parse(pattern, flags))
    is_plain = lead == NOTHING and way == Way(pattern)
    return _Form(lead, shortest_tail(value) if blocks and is_plain else value)


def _unready(name: str, action: Action, longest: int, node: Node, way: Way, order: int) -> Rule:
    contexts = [words.reach for words in (way.near, way.unless) if words is not None]
    contexts += [REACH] if way.not_after is not None else []
    farthest = reach(node)
    return Rule(
        name,
        action,
        longest,
        lookback(node) + max(contexts, default=0),
        is_bounded=farthest is not None and farthest <= longest,
        seek=_never,
        seek_last=_never,
        at=_never_at,
        at_last=_never_at,
        way=way,
        closing=None if way.closing is None else re.compile(way.closing),
        order=order,
    )


def _without_a_limit(name: str, form: _Form, action: Action, way: Way, order: int) -> Rule | None:
    """Make the rule of an expression that runs on through ordinary text, for a text that is an input.

    None if it does not run on, or if nothing here can run it in time that grows with the text.
    """
    if endless(form.node) is None or width(form.value)[0] == 0:
        return None
    rule = replace(_unready(name, action, LONGEST_LIMIT, form.node, way, order), is_bounded=True)
    only_start_counts = action.name in ("block", "flag")
    if only_start_counts and (parts := open_parts(form.node)) is not None:
        return replace(rule, parts=parts)
    if (pair := _re2.compile_pair(form.node)) is not None:
        return replace(rule, seek=pair.seek, seek_last=pair.seek_last)
    return None


def _run_by_re(rule: Rule, source: str, ended: str, found: Gate) -> Rule:
    going_on, last = re.compile(source), re.compile(ended)
    return replace(
        rule,
        seek=_seek(going_on.search),
        seek_last=_seek(last.search),
        at=going_on.match,
        at_last=last.match,
        gate=found,
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
        f"pattern {name!r} can take {worst} on a hostile text: its repetitions can match the same text in "
        f"many ways (catastrophic backtracking); "
        f"write it without repeats that overlap, or set a lower 'max_match'; {other}: {_shown(pattern)}"
    )


def _never(_text: str, _position: int, /) -> Hit | None:
    return None


def _never_at(_text: str, _position: int) -> re.Match[str] | None:
    return None


def _seek(find: At) -> Seek:
    def seek(text: str, position: int, /) -> Hit | None:
        match = find(text, position)
        if match is None or match.start() == len(text):
            return None
        return Hit(match.start(), match.end(), match.lastindex == 1, value_start(match))

    return seek


def value_start(match: re.Match[str]) -> int:
    """Return the place where the value of a match begins."""
    return match.start(2) if match.lastindex == 2 else match.start()


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
