"""What rails rewrite is what they would make of the whole text, or they have failed: in order, and of functions."""

from __future__ import annotations

import csv
import functools
import io
import re

import pytest
from entropy import entropy, thorough
from fakes import FakeProvider
from handrail import Blocked, Edit, Finished, RailFailed, Turn, Verdict
from handrail._compose.functions import FunctionRail
from handrail._stream.gate import Gate
from handrail._stream.plan import RailPlan
from hypothesis import given, note
from hypothesis import strategies as st
from model import Characters, Choices, Drive, Shape


def text_of(choices: Choices, letters: str, most: int) -> str:
    return "".join(choices.one_of(letters) for _ in range(choices.between(0, most)))


def split(choices: Choices, text: str) -> list[str]:
    pieces = []
    while text:
        size = choices.one_of([1, 2, 3, 8, 40])
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def shape_of(choices: Choices, *, least_hold: int = 0) -> Shape:
    hold = choices.between(least_hold, max(5, least_hold + 1))
    context = choices.between(hold, hold + 3)
    return Shape(choices.between(context + 1, context + 8), context, hold)


def run(rails: list[object], plans: list[RailPlan], choices: Choices, text: str, **gate: bool) -> Drive:
    """Run a gate in which each rail answers by its `judge`, in an order that choices decide."""
    judges = {plan.name: rail for plan, rail in zip(plans, rails, strict=True)}
    drive = Drive(Gate(plans, Turn(), **gate), choices, lambda check: (_judged(judges, check), False))
    drive.run(split(choices, text))
    return drive


def _judged(judges, check) -> object:
    try:
        return judges[check.lane.plan.name].judge(check.window)
    except Exception as exc:  # noqa: BLE001  # as a driver would hand it on
        return exc


def plan_of(name: int, rail: object, shape: Shape, **settings: object) -> RailPlan:
    return RailPlan(str(name), "model 1.0", rail, make_strategy=functools.partial(Characters, shape), **settings)


# --- Rails in order -------------------------------------------------------------------------------------------


class Replace:
    """Replaces a phrase that fits into the hold, and of which no two overlap."""

    rewrites = True

    def __init__(self, phrase: str, replacement: str) -> None:
        self.phrase, self.replacement = phrase, replacement

    def __repr__(self) -> str:
        return f"{self.phrase!r} -> {self.replacement!r}"

    async def check(self, window, turn):
        raise AssertionError("a gate asks nobody")

    def judge(self, window):
        found = re.finditer(re.escape(self.phrase), window.text)
        return Verdict.rewrite([Edit(*window.span(*match.span()), self.replacement) for match in found])

    def on_whole(self, text: str) -> str | None:
        return text.replace(self.phrase, self.replacement)


class Refuse(Replace):
    """Refuses a phrase."""

    rewrites = False

    def judge(self, window):
        found = window.text.find(self.phrase)
        return Verdict.allow() if found < 0 else Verdict.block(span=window.span(found, found + len(self.phrase)))

    def on_whole(self, text: str) -> str | None:
        return None if self.phrase in text else text


_PHRASES = ["ab", "ba", "abb", "Xb", "aX", "X", "b", "aab"]


def rail_of(choices: Choices) -> Replace:
    kind = choices.one_of([Replace, Replace, Refuse])
    return kind(choices.one_of(_PHRASES), choices.one_of(["", "X", "ab", "bXa", "a"]))


@thorough
@given(entropy)
def test_rails_in_order_deliver_what_one_after_another_would_make_of_the_whole_text(choices):
    """Whatever the order of answers, windows, splits and limits; a refusal lets nothing of the phrase out.

    Rails that feed one another need a hold for all their phrases together; with less, what came too late is a failure.
    """
    text = text_of(choices, "ab", 30)
    rails = [rail_of(choices) for _ in range(choices.between(1, 4))]
    together = sum(len(rail.phrase) for rail in rails)
    shapes = [shape_of(choices, least_hold=choices.one_of([3, together])) for _ in rails]
    most = choices.one_of([1, 2, 10**6])
    plans = [
        plan_of(number, rail, shape, max_concurrency=most, rewrites=rail.rewrites)
        for number, (rail, shape) in enumerate(zip(rails, shapes, strict=True))
    ]
    note(f"{text=} {rails=} {shapes=} {most=}")
    whole, refusing = text, None
    for number, rail in enumerate(rails):
        made = rail.on_whole(whole)
        if made is None:
            refusing = refusing or str(number)
        else:
            whole = made
    drive = run(rails, plans, choices, text, whole=choices.below(8) == 7)
    short = sum(rail.rewrites for rail in rails) > 1 and min(shape.hold for shape in shapes) < together
    if short and isinstance(drive.items[-1], RailFailed):
        assert "a larger hold_size" in drive.items[-1].error
        return
    if refusing is None:
        assert isinstance(drive.items[-1], Finished), drive.items[-1]
        assert drive.text == whole
    else:
        assert isinstance(drive.items[-1], Blocked)
        refused = {str(number) for number, rail in enumerate(rails) if isinstance(rail, Refuse)}
        assert drive.items[-1].rail in refused
        if len(rails) == int(refusing) + 1:  # the last one: what goes out is what it was shown
            assert rails[-1].phrase not in drive.text


# --- Rails made of a function ---------------------------------------------------------------------------------


def as_csv(text: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
    return out.getvalue()


FUNCTIONS = {
    "upper": str.upper,
    "digits": lambda text: re.sub(r"\d+", "#", text),
    "digit by digit": lambda text: re.sub(r"\d", "", text),
    "deletes": lambda text: text.replace("a", ""),
    "doubles": lambda text: text.replace("a", "aa"),
    "grows at both ends": lambda text: f"<{text}>" if "1" in text else text,
    "names": lambda text: re.sub(r"\ba\b", "[name]", text),
    "lists": lambda text: re.sub(r"(?m)^b", "- b", text),
    "strips": str.strip,
    "reverses": lambda text: text[::-1],
    "cuts": lambda text: text[:7],
    "empties": lambda text: "" if "1" in text else text,
    "csv": as_csv,
}


class Function(Replace):
    """What `register_rail` makes of a function that returns texts."""

    rewrites = True

    def __init__(self, name: str) -> None:
        self.name, self.seen, self.changed = name, [], False
        self.rail = FunctionRail(name, FUNCTIONS[name])

    def __repr__(self) -> str:
        return self.name

    def judge(self, window):
        self.changed = self.changed or FUNCTIONS[self.name](window.text) != window.text
        return self.rail._verdict(FUNCTIONS[self.name](window.text), window)

    def on_whole(self, text: str) -> str:
        return FUNCTIONS[self.name](text)


@thorough
@given(entropy, st.sampled_from(sorted(FUNCTIONS)), st.booleans())
def test_a_function_delivers_itself_applied_to_the_whole_text_or_has_failed(choices, name, asked_once):
    """`rewrites=None` judges windows until the function changes one; `rewrites=True` waits for the whole."""
    text = text_of(choices, "ab1 ,\n", 40)
    rail, shape = Function(name), shape_of(choices)
    plan = plan_of(0, rail, shape, defers=True, rewrites_whole=True, max_concurrency=choices.one_of([1, 2, 10**6]))
    plan = plan.for_whole_text() if asked_once else plan
    note(f"{text=} {shape=}")
    drive = run([rail], [plan], choices, text)
    made = rail.on_whole(text)
    if isinstance(drive.items[-1], Finished):
        assert drive.text == (made if rail.changed else text)
    else:
        assert isinstance(drive.items[-1], RailFailed)
        assert rail.changed
        assert not asked_once
        assert text.startswith(drive.text)
        assert not made.startswith(drive.text), "what had passed was how the whole begins, so nothing had failed"


@thorough
@given(entropy, st.sampled_from(sorted(FUNCTIONS)), st.integers(0, 2))
def test_a_function_beside_others_delivers_what_they_make_of_the_whole_text_in_order(choices, name, place):
    """The function is asked about what the rails before it let out, and those after it about what it makes."""
    text = text_of(choices, "ab1 ,\n", 30)
    rails = [Replace(choices.one_of(["ab", "b", "abb"]), choices.one_of(["", "X", "1a"])) for _ in range(2)]
    function = Function(name)
    rails.insert(place, function)
    plans = [
        plan_of(n, rail, shape_of(choices, least_hold=3), defers=rail is function, rewrites_whole=rail is function)
        for n, rail in enumerate(rails)
    ]
    note(f"{text=} {rails=}")
    drive = run(rails, plans, choices, text)
    if not isinstance(drive.items[-1], Finished):
        assert isinstance(drive.items[-1], RailFailed)
        assert drive.items[-1].rail == str(place)
        return
    outcomes = set()
    for changes in (True, False):  # a function that changes the whole and no window of it lets the text pass
        whole = text
        for rail in rails:
            whole = whole if rail is function and not changes else rail.on_whole(whole)
        outcomes.add(whole)
    assert drive.text in outcomes


@pytest.mark.parametrize("rewrites", [None, True])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
async def test_a_registered_function_delivers_itself_applied_to_the_whole_answer(guarded, name, rewrites):
    pieces = ["b a 1", "23,a\n", "b", " ,ab ", "aa,1,b\n"] * 12

    async def function(text):
        return FUNCTIONS[name](text)

    g = guarded(FakeProvider(pieces, delay=0.01), {})
    g.rails.register_rail("f", function, rewrites=rewrites)
    async with g.rails.stream("hello") as stream:
        events = [event async for event in stream]
    whole, delivered = FUNCTIONS[name]("".join(pieces)), "".join(e.text for e in events if hasattr(e, "start"))
    if isinstance(events[-1], Finished):
        assert delivered == whole
    else:
        assert isinstance(events[-1], RailFailed)
        assert rewrites is None
        assert not whole.startswith(delivered)
    assert await g.rails.generate_async("hello") == whole


async def test_a_function_that_makes_another_beginning_of_the_whole_than_what_is_out_has_failed(guarded):
    pieces = [*["a "] * 400, "1"]

    async def function(text):
        return FUNCTIONS["grows at both ends"](text)

    g = guarded(FakeProvider(pieces, delay=0.01), {})
    g.rails.register_rail("f", function)
    async with g.rails.stream("hello") as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], RailFailed)
    assert stream.response.text
    assert "".join(pieces).startswith(stream.response.text)
