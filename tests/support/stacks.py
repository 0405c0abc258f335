"""Rails in order, made at random: window rails with rules, stream rails that delete, and what they make of a text.

No character of a text comes twice, so whatever is lost, repeated or moved shows; what rails put in is ASCII.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from handrail import Ruling, Verdict
from handrail._stream.plan import RailPlan
from model import Characters, Choices, Rule, Rules, Shape


def text_of(choices: Choices, most: int = 40) -> str:
    return "".join(chr(0x4E00 + index) for index in range(choices.between(0, most)))


def split(choices: Choices, text: str) -> list[str]:
    pieces, at = [], 0
    while at < len(text):
        size = choices.one_of([1, 1, 2, 3, 8, 40])
        pieces.append(text[at : at + size])
        at += size
    return pieces


def shape_of(choices: Choices, *, least_hold: int = 0) -> Shape:
    hold = choices.between(least_hold, 4)
    context = choices.between(hold, hold + 3)
    return Shape(choices.between(context + 1, context + 8), context, hold)


def plan(name: int, rail: object, shape: Shape | None, **settings: object) -> RailPlan:
    make = None if shape is None else functools.partial(Characters, shape)
    return RailPlan(str(name), "model 1.0", rail, make_strategy=make, **settings)


# --- Rails that rewrite, with their evidence before, after and around what they change ----------------------


def rules_of(choices: Choices, text: str, reach: int, name: str, *, refuses: bool) -> list[Rule]:
    """Make rules whose phrases lie apart, each with its evidence at most `reach` characters from end to end."""
    rules, at = [], choices.below(6)
    while at < len(text) and len(rules) < 4:
        end = min(at + choices.between(1, reach), len(text))
        evidence = text[choices.between(max(0, end - reach), min(at + reach, len(text)) - 1)]
        replacement = choices.one_of(["", name, name * (end - at)])
        rules.append(Rule(text[at:end], evidence, None if refuses and choices.below(4) == 3 else replacement))
        at = end + choices.below(8)
    return rules


class Deletes:
    """A stream rail: takes some characters away, refuses one, and holds the last few that came."""

    def __init__(self, unwanted: str, refused: str, holds: int) -> None:
        self.unwanted, self.refused, self.holds = unwanted, refused, holds

    def open(self, turn):
        return _Deleting(self)

    def refuses(self, text: str) -> bool:
        return bool(self.refused) and self.refused in text

    def on_whole(self, text: str) -> str:
        return "".join(character for character in text if character not in self.unwanted)


class _Deleting:
    def __init__(self, rail: Deletes) -> None:
        self.rail, self.held = rail, ""

    def feed(self, text):
        self.held += text
        return self._rule(max(len(self.held) - self.rail.holds, 0))

    def finish(self):
        return self._rule(len(self.held))

    def _rule(self, end):
        if self.rail.refuses(self.held[:end]):
            clean = self.held[: self.held.index(self.rail.refused)]
            return Ruling(self.rail.on_whole(clean), block=Verdict.block())
        final, self.held = self.held[:end], self.held[end:]
        return Ruling(self.rail.on_whole(final))


@dataclass
class Stack:
    """Rails in order, and the text that they make of a text."""

    rails: list[Rules | Deletes]
    plans: list[RailPlan]

    def whole(self, text: str) -> tuple[str, str]:
        """Return what the rails make of the text, and the names of those that refuse what reaches them."""
        refuse = ""
        for number, rail in enumerate(self.rails):
            if rail.refuses(text):
                refuse += str(number)
            text = rail.on_whole(text)
        return text, refuse

    def answer(self, check):
        return self.rails[int(check.lane.plan.name)].check(check.window, None), False


def stack(choices: Choices, text: str, *, refuses: bool, sessions: bool = True) -> Stack:
    """Make rails that hold enough for all that they look for together, for one may form what another looks for."""
    rails: list[Rules | Deletes] = []
    plans = []
    count, reach = choices.between(1, 4), choices.between(1, 4)
    hold = count * reach
    for number in range(count):
        if sessions and choices.below(4) == 3:
            refused = choices.one_of(text) if refuses and text and choices.below(4) == 3 else ""
            rails.append(Deletes(text[choices.below(5) :: choices.between(3, 9)], refused, choices.below(5)))
            plans.append(plan(number, rails[-1], None))
            continue
        context = hold + choices.below(3)
        shape = Shape(context + choices.between(1, 8), context, hold)
        rules = rules_of(choices, text, reach, "ABCD"[number], refuses=refuses) if choices.often() else []
        rails.append(Rules(rules))
        rewrites = any(rule.replacement is not None for rule in rules) or choices.below(2) == 1
        plans.append(plan(number, rails[-1], shape, rewrites=rewrites, max_concurrency=choices.one_of([1, 2, 99])))
    return Stack(rails, plans)
