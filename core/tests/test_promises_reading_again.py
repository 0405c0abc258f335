"""What a rail has asked for, or has yet to judge, is not lost when one before it rewrites: the smallest cases.

Random rails hardly ever meet them: each needs an edit that is held, and another rail that rewrites meanwhile.
"""

from __future__ import annotations

import pytest
from handrail import Edit, Finished, Turn, Verdict
from handrail._stream.gate import Gate
from handrail._stream.outcome import DEFERRED
from model import Rule, Rules, Shape
from stacks import plan

TEXT = "abcdefghijklmnopqrstuvwx"
SHAPE = Shape(size=8, context=6, hold=6)


def answered(text, judges, *, shape=SHAPE, **settings):
    """Return what goes out of rails in order that answer one after the other, as they are asked."""
    gate = Gate([plan(n, judge, shape, **settings.get(f"rail_{n}", {})) for n, judge in enumerate(judges)], Turn())
    running = []
    for character in [*text, None]:
        gate.finish() if character is None else gate.feed(character)
        while running or gate.step.start:
            running += gate.step.start
            gate.step.start.clear()
            if running:
                check = running.pop(0)
                gate.answer(check, judges[int(check.lane.plan.name)].check(check.window, None))
    *texts, last = gate.step.items
    return "".join(texts), last


def rewritten(text, judges, **options):
    text, last = answered(text, judges, **options)
    assert isinstance(last, Finished), last
    return text


def test_a_rail_that_sees_more_of_what_it_wanted_to_replace_has_the_last_word():
    class Sees:
        def check(self, window, turn):
            long, short = window.text.find("hij"), window.text.find("gh")
            if long >= 0:
                return Verdict.rewrite([Edit(*window.span(long - 1, long + 3), "LONG")])
            return Verdict.rewrite([Edit(*window.span(short, short + 2), "SHORT")] if short >= 0 else [])

    assert rewritten(TEXT, [Sees()]) == TEXT.replace("ghij", "LONG")


def test_what_asked_for_an_edit_that_is_held_is_read_again():
    first = Rules([Rule(TEXT[10], TEXT[10], "FIRST")])
    second = Rules([Rule(TEXT[5:7], TEXT[0], "SECOND")])
    expected = TEXT.replace(TEXT[10], "FIRST").replace(TEXT[5:7], "SECOND")
    assert rewritten(TEXT, [first, second]) == expected


def test_a_rail_that_begins_again_twice_reads_on_from_where_the_text_is():
    first = Rules([Rule(TEXT[5], TEXT[11], "1")])
    second = Rules([Rule("1", "1", "2")])
    third = Rules([Rule("2", "2", "3")])
    assert rewritten(TEXT, [first, second, third]) == TEXT.replace(TEXT[5], "3")


def test_a_rail_that_judges_the_whole_is_shown_the_whole_though_one_before_it_has_rewritten():
    shown = []

    class Whole:
        def check(self, window, turn):
            shown.append(window)
            if "X" not in window.text:
                return Verdict.allow()
            if not window.last:
                return DEFERRED
            return Verdict.rewrite([Edit(0, window.end, window.text.replace("X", "Y"))])

    first = Rules([Rule(TEXT[10], TEXT[10], "X")])
    settings = {"rail_1": {"defers": True, "rewrites_whole": True}}
    assert rewritten(TEXT, [first, Whole()], **settings) == TEXT.replace(TEXT[10], "Y")
    assert shown[-1].text == TEXT.replace(TEXT[10], "X")


@pytest.mark.parametrize("is_dropped", [False, True])
def test_a_stream_that_nothing_can_bring_to_its_end_fails_in_place_of_waiting(is_dropped):
    """A check whose answer was thrown away by mistake clears nothing, and nobody will be asked again."""
    gate = Gate([plan(0, Rules([]), SHAPE)], Turn())
    gate.feed("abc")
    gate.finish()
    (check,) = gate.step.start
    gate.step.start.clear()
    check.dropped = is_dropped
    gate.answer(check, Verdict.allow())
    assert gate.ended
    assert gate.complete is not is_dropped
    assert (gate.error is not None) is is_dropped
