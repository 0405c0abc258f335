"""The gate alone, without any loop: random texts, splits, verdicts and orders of answers against a model.

Each text has no character twice, so that whatever is lost, repeated or moved shows; what rails put in is ASCII.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from entropy import entropy, thorough
from handrail import Blocked, Edit, Finished, RailFailed, Retraction, Turn, Verdict
from handrail._stream.gate import Gate
from handrail._stream.plan import RailPlan
from handrail._stream.strategies import Whole
from hypothesis import given, note
from model import Characters, Choices, Drive, Rule, Rules, Shape
from stacks import plan, shape_of, split, text_of


class GenerationBroke(Exception):
    pass


class Unasked:
    async def check(self, window, turn):
        raise AssertionError("a gate asks nobody")


def test_no_check_is_to_begin_any_more_once_nobody_wants_the_answer():
    gate = Gate([RailPlan("r", "p", Unasked(), make_strategy=Whole)], Turn())
    gate.feed("some text")
    gate.finish()
    assert gate.step.start
    gate.abandon()
    assert not gate.step.start
    assert not gate.checking


# --- Rails that change nothing: the model is exact at every moment ------------------------------------------


@dataclass
class Says(Unasked):
    """A rail whose answers are set before it is asked, by the number of the window."""

    shape: Shape
    outcomes: list[str]
    settings: dict[str, bool]
    stream_first: bool = False

    def windows(self, text: str) -> list[object]:
        strategy = Characters(self.shape)
        strategy.feed(text)
        strategy.finish()
        return list(iter(strategy.window, None))

    def outcome(self, window, text: str) -> tuple[object, bool]:
        number = [made.start for made in self.windows(text)].index(window.start)
        said = self.said(number)
        outcomes = {
            "block": Verdict.block(),
            "raise": RuntimeError("broke"),
            "ended": GeneratorExit(),
            "nonsense": None,
            "outside": Verdict.rewrite([Edit(window.end, window.end + 1, "")]),
            "late allow": Verdict.allow(),
            "late block": Verdict.block(),
            "late": TimeoutError(),
        }
        return outcomes.get(said, Verdict.allow()), said.startswith("late")

    def said(self, number: int) -> str:
        return self.outcomes[number] if number < len(self.outcomes) else "allow"

    def passes(self, number: int) -> bool:
        said = self.said(number)
        if said == "outside" and self.stream_first:  # wants to change what was delivered, which is a refusal
            return False
        if said in ("raise", "nonsense", "outside"):
            return self.settings["allow_on_error"]
        if said in ("late", "late allow"):
            return self.settings["allow_on_timeout"]
        return said == "allow"

    def cleared(self, text: str, answered: set[int]) -> tuple[int, bool]:
        """Return what it has cleared once these windows are answered, and whether that is where it stops the stream."""
        windows = self.windows(text)
        clears = 0
        for number, window in enumerate(windows):
            if window.start not in answered:
                return clears, False
            if not self.passes(number):
                return clears, True
            clears = window.clears
        return len(text), False


_SAID = ["allow"] * 12 + ["block", "raise", "ended", "nonsense", "outside", "late allow", "late block", "late"]


def says(choices: Choices) -> Says:
    outcomes = [choices.one_of(_SAID) for _ in range(choices.between(0, 6))]
    settings = {name: choices.below(4) == 3 for name in ("allow_on_error", "allow_on_timeout")}
    return Says(shape_of(choices), outcomes, settings, stream_first=choices.below(8) == 7)


@thorough
@given(entropy)
def test_a_character_goes_out_when_every_holding_rail_has_cleared_it_and_not_before(choices):
    """I1, I3, I6, and the end: whatever the order of answers, and whether rails stand in order or side by side."""
    text, parallel = text_of(choices), choices.below(2) == 1
    rails = [says(choices) for _ in range(choices.between(1, 3))]
    if alike := choices.below(2) == 1:
        rails = [dataclasses.replace(rail, shape=rails[0].shape) for rail in rails]
    most = choices.one_of([1, 2, 10**6])
    plans = [
        plan(
            number,
            rail,
            rail.shape,
            stream_first=rail.stream_first,
            max_concurrency=most,
            rewrites=choices.often(),
            **rail.settings,
        )
        for number, rail in enumerate(rails)
    ]
    error = GenerationBroke() if choices.below(4) == 3 else None
    note(f"{rails=} {parallel=} {most=}")

    def audit(drive):
        starts = [{c.window.start for c, _ in drive.answered if c.lane.plan.name == str(n)} for n in range(len(rails))]
        cleared = [rail.cleared(text, answered) for rail, answered in zip(rails, starts, strict=True)]
        least = min([at for (at, _), rail in zip(cleared, rails, strict=True) if not rail.stream_first], default=None)
        delivered = len(drive.text)
        if least is not None:
            assert delivered <= least
            # A rail that has judged the last character may not know yet that it is the last.
            assert drive.gate.ended or delivered == least or any(at == len(text) for at, _ in cleared)

    gate = Gate(plans, Turn(), parallel=parallel)
    drive = Drive(gate, choices, lambda check: rails[int(check.lane.plan.name)].outcome(check.window, text), audit)
    drive.run(split(choices, text), error)

    assert text.startswith(drive.text)
    _check_end(drive, text, rails, error, exact=alike and most > 2, in_order=not parallel)


def _check_end(drive, text, rails, error, *, exact, in_order):
    """Check what the stream ends with; which rail ends it is exact where all are asked about the same windows."""
    every = [rail.cleared(text, set(range(len(text)))) for rail in rails]
    stops = sorted((at, number) for number, (at, stops) in enumerate(every) if stops)
    if not stops:
        assert drive.text == text
        assert drive.gate.error is error
        assert [type(item) for item in drive.items if not isinstance(item, str)] == [Finished] * (error is None)
        return
    *_, stop = drive.items
    assert isinstance(stop, Blocked | RailFailed)
    assert int(stop.rail) in [number for _, number in stops]
    assert all(isinstance(item, str | Retraction) for item in drive.items[:-1])
    if exact:
        first = [number for at, number in stops if at == stops[0][0]]
        assert int(stop.rail) == first[0] if in_order else int(stop.rail) in first
    stopper = rails[int(stop.rail)]
    number = next(n for n in range(10**6) if not stopper.passes(n))
    refusals = ("block", "late block", "outside") if stopper.stream_first else ("block", "late block")
    assert isinstance(stop, Blocked) == (stopper.said(number) in refusals)
    assert isinstance(stop, Blocked) or stop.timed_out == (stopper.said(number) in ("late", "late allow"))
    if exact and not any(rail.stream_first for rail in rails):
        assert drive.text == text[: stops[0][0]]
    starts = [{c.window.start for c, _ in drive.answered if c.lane.plan.name == str(n)} for n in range(len(rails))]
    optimistic = [n for n, rail in enumerate(rails) if rail.stream_first]
    begin = min([rails[n].cleared(text, starts[n])[0] for n in optimistic], default=len(text))
    delivered = len(drive.text)
    withdrawn = [(item.start, item.end) for item in drive.items if isinstance(item, Retraction)]
    assert withdrawn == ([(begin, delivered)] if begin < delivered else [])


# --- Rails that rewrite ---------------------------------------------------------------------------------------


def rules_of(choices: Choices, text: str) -> list[Rule]:
    """Phrases that lie apart, and the evidence for each before, after, around or far from it."""
    rules, at = [], 0
    for number in range(choices.between(1, 3)):
        start = at + choices.below(12)
        at = start + choices.between(1, 5)
        if at > len(text):
            break
        seen = max(0, choices.one_of([start - choices.below(6), at + choices.below(6) - 1, start]))
        rules.append(
            Rule(text[start:at], text[seen : seen + choices.between(1, 2)], choices.one_of(["", "X", f"<{number}>"]))
        )
    return [rule for rule in rules if rule.evidence]


def seen_by(rule: Rule, windows) -> tuple[bool, bool]:
    """Return whether a window shows a rule's phrase and evidence, and whether text of the phrase had passed by then."""
    passed = 0
    for window in windows:
        if rule.applies(window.text):
            return True, window.context_start + window.text.index(rule.phrase) < passed
        passed = max(passed, window.clears)
    return False, False


@thorough
@given(entropy)
def test_an_edit_that_was_asked_for_stands_whatever_later_windows_see(choices):
    """Evidence before, after or around what is replaced: what one window replaces, none brings back."""
    text, shape = text_of(choices), shape_of(choices)
    rules = rules_of(choices, text)
    rail = Rules(rules)
    windows = Says(shape, [], {}).windows(text)
    seen = {rule: seen_by(rule, windows) for rule in rules}
    in_time = Rules([rule for rule in rules if seen[rule] == (True, False)])
    note(f"{rules=} {shape=} {seen=}")
    whole = text
    for rule in in_time.rules:
        whole = whole.replace(rule.phrase, rule.replacement or "")

    gate = Gate([plan(0, rail, shape, max_concurrency=choices.one_of([1, 2, 10**6]))], Turn())
    drive = Drive(gate, choices, lambda check: (rail.check(check.window, None), False))
    drive.run(split(choices, text))
    if isinstance(drive.items[-1], Finished):
        fully = text
        for rule in rules:
            fully = fully.replace(rule.phrase, rule.replacement or "") if seen[rule][0] else fully
        assert drive.text == fully
    else:
        assert isinstance(drive.items[-1], RailFailed)
        assert any(late for _, late in seen.values())
        assert whole.startswith(drive.text)
