"""What the rails for patterns must deliver, by the definition: `re.finditer` on the whole text, and no streams."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail_patterns._actions import Action
from handrail_patterns._fold import Folding
from handrail_patterns._hit import Scan
from handrail_patterns._kind import Kind, Way
from handrail_patterns._making import rules_of
from handrail_patterns._markup import Rendering
from handrail_patterns._regex import Patterns
from handrail_patterns._scripts import is_part_of_its_script
from handrail_patterns._session import PatternSession


@dataclass(frozen=True, slots=True)
class Plain:
    """A rule as the definition sees it; `way` has what stands before the value, and what looks at it more closely."""

    pattern: re.Pattern[str]
    action: Action
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is delivered in the end, and whether a block ended it."""

    text: str
    blocked: bool


Match = tuple[int, int, Action, int]


def expected(text: str, rules: Sequence[Plain], folding: Folding | None = None) -> Outcome:
    """Apply rules to a whole text, by the definition."""
    matches = _all_matches(text, rules, folding)
    if folding is not None and folding.markup:
        rendering = Rendering(0)
        shown = rendering.feed(text, ended=True)
        matches += [
            (rendering.origin(start), rendering.origin_of_end(end), action, order)
            for start, end, action, order in _all_matches(shown, rules, folding)
        ]
    return resolved(text, matches)


def _all_matches(text: str, rules: Sequence[Plain], folding: Folding | None) -> list[Match]:
    folded, origins = _folded(text, folding)
    return [
        (origins[start], origins[end - 1] + 1, rule.action, order)
        for order, rule in enumerate(rules)
        for start, end in _matches(rule, folded)
    ]


def resolved(text: str, matches: Iterable[Match]) -> Outcome:
    """Join the matches that overlap, and act on each group by its strictest."""
    ordered = sorted(matches, key=lambda match: (match[0], -match[1], match[2].rank, match[3]))
    parts, place, index = [], 0, 0
    while index < len(ordered):
        start, end, action, _ = ordered[index]
        index += 1
        while index < len(ordered) and ordered[index][0] < end:
            end = max(end, ordered[index][1])
            action = min(action, ordered[index][2], key=lambda one: one.rank)
            index += 1
        parts.append(text[place:start])
        if action.name == "block":
            return Outcome("".join(parts), blocked=True)
        parts.append(action.apply(text[start:end]))
        place = end
    return Outcome("".join((*parts, text[place:])), blocked=False)


def _matches(rule: Plain, text: str) -> Iterable[tuple[int, int]]:
    place = 0
    while (match := rule.pattern.search(text, place)) is not None:
        start, end = match.span("value" if rule.way else 0)
        end = rule.way.end_of_value(text, match.end()) if rule.way else end
        if rule.way is None or rule.way.accepts(text, start, end):
            yield start, end
            place = end
        else:
            place = match.start() + 1


def _folded(text: str, folding: Folding | None) -> tuple[str, list[int]]:
    if folding is None:
        return text, list(range(len(text)))
    folded, origins, spaced, letter = "", [], False, ""
    for place, char in enumerate(text):
        piece = folding.char(char)
        if folding.script_marks is not None and folding.script_marks.match(char):
            piece = piece if is_part_of_its_script(char, letter) else ""
        elif piece:
            letter = char
        if folding.spacing and piece == " ":
            piece = "" if spaced else " "
            spaced = True
        elif piece:
            spaced = False
        folded += piece
        origins += [place] * len(piece)
    return folded, origins


def delivered(scan: Scan, pieces: Iterable[str], folding: Folding | None = None, whole: str | None = None) -> Outcome:
    """Feed the pieces to a session; with `whole` given, see to it that what comes is ever its beginning."""
    markup = folding is not None and folding.markup
    session = PatternSession(scan, None if folding is None else folding.open(), lambda *_: None, markup=markup)
    text = ""
    for piece in pieces:
        ruling = session.feed(piece)
        text += ruling.text
        assert whole is None or whole.startswith(text), f"{text!r} was delivered too early; in the end it is {whole!r}"
        if ruling.block is not None:
            return Outcome(text, blocked=True)
    ruling = session.finish()
    return Outcome(text + ruling.text, ruling.block is not None)


def random_split(text: str, chance: random.Random, sizes: Sequence[int] = (0, 1, 1, 2, 3, 7)) -> list[str]:
    """Cut a text into random pieces, empty ones among them."""
    pieces, place = [], 0
    while place < len(text):
        size = chance.choice(sizes)
        pieces.append(text[place : place + size])
        place += size
    return pieces


def shipped(kinds: Sequence[Kind], action: str = "redact") -> tuple[Patterns, list[Plain]]:
    """Return shipped kinds as the rails run them, and as the definition does."""
    actions = {kind.name: Action(action, kind.label) for kind in kinds}  # type: ignore[arg-type]
    plain = [
        Plain(re.compile(f"{way.lead}(?P<value>{way.pattern})"), actions[kind.name], way)
        for kind in kinds
        for way in kind.ways
    ]
    return Patterns(rules_of(kinds, actions)), plain


def random_pattern(chance: random.Random, depth: int) -> str:
    """Write a random regular expression over a small alphabet, with everything that streams allow."""
    draw = chance.random()
    if depth <= 0 or draw < 0.3:
        return chance.choice(("a", "b", "c", "[ab]", "[^a]", ".", "ab", "ba", r"\w", r"\d", r"\s", " "))
    inner = random_pattern(chance, depth - 1)
    if draw < 0.5:
        return inner + random_pattern(chance, depth - 1)
    if draw < 0.62:
        return f"(?:{inner}|{random_pattern(chance, depth - 1)})"
    if draw < 0.8:
        count = chance.choice(("*", "+", "?", "{2}", "{1,3}", "{0,2}"))
        return f"({inner}){count}{chance.choice(('', '', '?', '+'))}"
    if draw < 0.9:
        return f"(?{chance.choice('=!')}{inner})"
    if draw < 0.93:
        return chance.choice(("(?<=a)", "(?<!b)", "(?<=[ab]c)", r"(?<=\b.)")) + inner
    if draw < 0.97:
        edge = chance.choice((r"\b", r"\B", "$", r"\Z", "(?m:$)", "^", "(?m:^)", r"\A"))
        return inner + edge if chance.random() < 0.5 else edge + inner
    return chance.choice((f"(?>{inner})", f"(?i:{inner})"))
