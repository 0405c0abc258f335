"""Patterns on a stream: one search in common tells whether any of them may begin, and only then each is asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from functools import lru_cache

from handrail_patterns._context import Words
from handrail_patterns._hit import At, Found, Seek
from handrail_patterns._limits import accepts
from handrail_patterns._live import Gate, Head, in_common, undecided_or_full
from handrail_patterns._rule import Rule, value_start
from handrail_patterns._tree import Char, Node

_WORTH_SHARING = 8
_LONG = 64
"""Where more than this is held, one eighth more must come before it is looked at again: so the cost stays linear."""


class Patterns:
    """Patterns compiled together. Never changes, and serves any number of streams."""

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Patterns:
        """Return the same for the same rules, unless one has a secret in it."""
        rules = tuple(rules)
        return cls(rules) if any(rule.action.key for rule in rules) else _compiled(rules)

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: Sequence[Rule] = tuple(rules)
        self.lookback = max(rule.lookback for rule in self.rules)
        self.search = re.compile(_in_common(self.rules)).search
        numbered = list(enumerate(self.rules))
        self.ungated = [(index, rule) for index, rule in numbered if rule.gate is None and rule.parts is None]
        self.words = Words(*dict.fromkeys(word for rule in self.rules if rule.way.near for word in rule.way.near.words))
        self.watched = [(index, rule) for index, rule in numbered if not rule.is_bounded]
        self.beginning_with = lru_cache(maxsize=4096)(self._beginning_with)

    def open(self) -> PatternScan:
        """Start a stream."""
        return PatternScan(self)

    def _beginning_with(self, start: str, named: bool) -> Sequence[tuple[int, Rule, At, At]]:  # noqa: FBT001  # cached
        """Return the rules whose matches may begin with these one or two characters, after a word or without one."""
        return [
            (index, rule, rule.at, rule.at_last)
            for index, rule in enumerate(self.rules)
            if rule.gate is not None
            and (named or not rule.needs_word)
            and any(_may_begin(head, start) for head in rule.gate.heads)
        ]


@lru_cache(maxsize=64)
def _compiled(rules: tuple[Rule, ...]) -> Patterns:
    return Patterns(rules)


class PatternScan:
    """Where one stream stands.

    Attributes:
        found: matches that are decided, for the owner to take away.
    """

    __slots__ = ("_base", "_due", "_ends", "_late", "_open", "_patterns", "_position", "_text", "found")

    def __init__(self, patterns: Patterns) -> None:
        self.found: list[Found] = []
        self._patterns = patterns
        self._text = ""  # what may still matter, with what precedes it as context
        self._base = 0  # where _text begins in the whole text
        self._position = 0  # in _text: everything before is decided
        self._ends: dict[int, int] = {}  # where a rule goes on that has matched beyond _position
        self._late: list[str] = []  # what has come since, while a long attempt is not due to be looked at again
        self._open = [(rule, rule.parts.open()) for rule in patterns.rules if rule.parts is not None]
        self._due = 0  # how many characters of it are to come first

    @property
    def margin(self) -> int:
        """How many characters a stream is remembered by."""
        return self._patterns.lookback

    def fork(self) -> PatternScan:
        """Return another one that stands where this one stands, without the expressions that have open gaps."""
        opened, self._open = self._open, []
        fork = copy(self)
        fork.found, self._ends, self._late, self._open = [], self._ends.copy(), self._late.copy(), opened
        return fork

    def feed(self, text: str) -> int:
        """Take the next characters; return the place before which everything is decided."""
        if self._open:
            self._feed_open(text)
        if self._due > 0:
            self._late.append(text)
            self._due -= len(text)
            return self._base + self._position if self._due > 0 else self._look("")
        return self._look(text)

    def look_again(self) -> int:
        """Look at everything that has come, however little it is; return the place before which all is decided."""
        return self._look("")

    def finish(self) -> int:
        """No more will come: everything is decided now."""
        if self._open:
            self._feed_open("", ended=True)
        self._look("")
        text, position = self._text, self._position
        search = self._patterns.search
        while (match := search(text, position)) is not None and match.start() < len(text):
            self._note_at(match.start())
            position = match.start() + 1
        for index, rule in self._patterns.ungated:
            self._seek_one(index, rule, rule.seek_last)
        return self._base + len(text)

    def overdue(self) -> Found | None:
        """Return which rule has held more than its limit, if one has."""
        if not self._patterns.watched:
            return None
        self._look("")
        end = len(self._text)
        for index, rule in self._patterns.watched:
            if end - self._position > rule.limit:
                held_from = self._seek_one(index, rule, rule.seek)
                if end - held_from > rule.limit:
                    return Found(self._base + held_from, self._base + end, rule)
        return None

    def _feed_open(self, text: str, *, ended: bool = False) -> None:
        """Note the expressions with open gaps that match now; where they begin went by long ago."""
        for rule, parts in self._open:
            if parts.feed(text, ended=ended):
                here = self._base + self._position
                self.found.append(Found(here, max(here + 1, here + len(text)), rule))
        if self.found:
            self._open = [pair for pair in self._open if all(found.rule is not pair[0] for found in self.found)]

    def _look(self, text: str) -> int:
        if self._late:
            text, self._late, self._due = "".join((*self._late, text)), [], 0
        self._text = text = self._text + text
        patterns = self._patterns
        search, position = patterns.search, self._position
        while (match := search(text, position)) is not None:
            position = match.start()
            if (match.lastindex and not self._ends) or position == len(text) or self._is_undecided_at(position):
                break
            position += 1
        else:
            position = len(text)
        for index, rule in patterns.ungated:
            position = min(position, self._seek_one(index, rule, rule.seek))
        place = self._base + position
        if self._ends:
            self._ends = {index: end for index, end in self._ends.items() if end > place}
        self._due = held >> 3 if (held := len(text) - position) > _LONG else 0
        surplus = position - patterns.lookback  # forgotten is what no rule looks back at any more
        if surplus > 0:
            self._text = text[surplus:]
            self._base += surplus
            position -= surplus
        self._position = position
        return place

    def _is_undecided_at(self, position: int) -> bool:
        """Note the matches that begin here; return whether one may still come."""
        undecided = False
        text, ends = self._text, self._ends
        named = self._patterns.words.nearest(text, position) >= 0
        for index, rule, at, _ in self._patterns.beginning_with(text[position : position + 2], named):
            if (match := at(text, position)) is None or self._base + position < ends.get(index, 0):
                continue
            if match.lastindex == 1:
                undecided = True
            else:
                self._note(index, rule, value_start(match), match.end())
        return undecided

    def _note_at(self, position: int) -> None:
        """Note the matches that begin here in a text that has ended."""
        text, ends = self._text, self._ends
        named = self._patterns.words.nearest(text, position) >= 0
        for index, rule, _, at_last in self._patterns.beginning_with(text[position : position + 2], named):
            if (match := at_last(text, position)) is not None and self._base + position >= ends.get(index, 0):
                self._note(index, rule, value_start(match), match.end())

    def _note(self, index: int, rule: Rule, start: int, end: int) -> bool:
        """Note a match if it is one to the rule's checks, too."""
        end = rule.way.end_of_value(self._text, end)
        if not rule.way.accepts(self._text, start, end):
            return False
        self.found.append(Found(self._base + start, self._base + end, rule))
        self._ends[index] = self._base + end
        return True

    def _seek_one(self, index: int, rule: Rule, seek: Seek) -> int:
        """Note the matches of one rule; return the place in `_text` before which it is decided."""
        text, base = self._text, self._base
        position = max(self._position, self._ends.get(index, 0) - base)
        while (hit := seek(text, position)) is not None:
            if hit.undecided:
                return hit.start
            noted = self._note(index, rule, hit.value, hit.end)
            position = self._ends[index] - base if noted else hit.start + 1
        return len(text)


def _may_begin(head: Head, start: str) -> bool:
    if not head.first:
        return True
    second = head.rest[0] if head.rest and len(start) > 1 else None
    return accepts(head.first, start[0]) and (not isinstance(second, Char) or accepts(second.source, start[1]))


def _in_common(rules: Iterable[Rule]) -> str:
    """Write the gates of all rules as one pattern, in which those that begin alike are tried together."""
    return (
        _by_lead([(rule.gate.lead, rule.gate, head) for rule in rules if rule.gate for head in rule.gate.heads])
        or "(?!)"
    )


def _by_lead(heads: Sequence[tuple[tuple[str, ...], Gate, Head]]) -> str:
    """Join heads: those that share a look-behind behind one, the others by their first character.

    At most places of a text nothing begins, and then each look-behind costs more than all the first characters.
    """
    shared = Counter(lead[0] for lead, _, _ in heads if lead)
    groups: dict[str, list[tuple[tuple[str, ...], Gate, Head]]] = {}
    plain: dict[str, list[tuple[Node, ...]]] = {}
    for lead, gate, head in heads:
        if lead and (shared[lead[0]] >= _WORTH_SHARING or gate.shifted_lead is None or not head.first):
            groups.setdefault(lead[0], []).append((lead[1:], gate, head))
        else:
            shifted = gate.shifted_lead or () if lead else ()
            plain.setdefault(head.first, []).append((*shifted[len(shifted) - len(lead) :], *head.rest))
    options = [f"{first}{undecided_or_full(in_common(ways))}" for first, ways in plain.items()]
    options.extend(f"{lead}(?:{_by_lead(group)})" for lead, group in groups.items())
    return "|".join(options)
