"""The gate alone: what rails in order make of a text, and what edits of any kind may take away.

No character of a text comes twice, so whatever is lost, repeated or moved shows; what rails put in is ASCII.
"""

from __future__ import annotations

from entropy import entropy, thorough
from handrail import Blocked, Edit, Finished, RailFailed, Turn, Verdict
from handrail._stream.gate import Gate
from hypothesis import given, note
from model import Drive, Rule, Rules, Shape
from stacks import plan, shape_of, split, stack, text_of


@thorough
@given(entropy)
def test_rails_in_order_deliver_what_they_would_make_of_the_whole_text_one_after_another(choices):
    """The second promise (an owed edit stands) and the tenth: whoever rewrites, whenever, nothing else is lost."""
    text = text_of(choices)
    rails = stack(choices, text, refuses=False)
    note(f"{[rail.__dict__ for rail in rails.rails]}")
    expected, _ = rails.whole(text)

    def audit(drive):
        assert expected.startswith(drive.text)

    drive = Drive(Gate(rails.plans, Turn()), choices, rails.answer, audit)
    drive.run(split(choices, text))
    assert isinstance(drive.items[-1], Finished), drive.items[-1]
    assert drive.text == expected


@thorough
@given(entropy)
def test_a_refusal_stands_only_if_the_text_that_reaches_its_rail_deserves_it(choices):
    """What one rail takes away, one after it cannot refuse; what reaches it, nothing before it can hide."""
    text = text_of(choices)
    rails = stack(choices, text, refuses=True)
    note(f"{[rail.__dict__ for rail in rails.rails]}")
    expected, refuse = rails.whole(text)
    drive = Drive(Gate(rails.plans, Turn()), choices, rails.answer)
    drive.run(split(choices, text))
    assert expected.startswith(drive.text)
    if not refuse:
        assert isinstance(drive.items[-1], Finished), drive.items[-1]
        assert drive.text == expected
    else:
        assert isinstance(drive.items[-1], Blocked), drive.items[-1]
        # One behind a rail that refuses may be the one that stops the stream, for both have read the same windows.
        stopper = drive.items[-1].rail
        assert stopper in refuse or stopper > min(refuse)
        before = text
        for rail in rails.rails:
            for rule in getattr(rail, "rules", ()):
                if rule.replacement is None and rule.applies(before):
                    assert not set(rule.phrase) & set(drive.text)
            before = rail.on_whole(before)


@thorough
@given(entropy)
def test_neighbours_side_by_side_take_away_what_any_of_them_takes_away(choices):
    """With `parallel: true` edits are joined: what no rail names stays, what one names goes."""
    text = text_of(choices)
    rails = stack(choices, text, refuses=False, sessions=False)
    note(f"{[rail.__dict__ for rail in rails.rails]}")
    gone = set().union(*(rule.phrase for rail in rails.rails for rule in rail.rules if rule.applies(text)))
    drive = Drive(Gate(rails.plans, Turn(), parallel=True), choices, rails.answer)
    drive.run(split(choices, text))
    assert isinstance(drive.items[-1], Finished), drive.items[-1]
    assert [character for character in drive.text if not character.isascii()] == [c for c in text if c not in gone]


# --- Edits of any kind ---------------------------------------------------------------------------------------


@thorough
@given(entropy)
def test_whatever_a_rail_edits_what_it_took_away_is_gone_and_the_rest_is_there_or_it_has_failed(choices):
    """Edits anywhere in a window, too late ones too: all that windows that passed name is gone, and nothing else."""
    text, shape = text_of(choices), shape_of(choices)

    def answer(check):
        window, edits = check.window, []
        at = window.context_start
        while choices.below(3) == 2 and at < window.end:
            at = choices.between(at, window.end)
            end = choices.between(at, min(window.end, at + 4))
            edits.append(Edit(at, end, choices.one_of(["", "X", "XYZ"])))
            at = end + 1
        return Verdict.rewrite(edits), False

    def audit(drive):
        named: set[int] = set()
        clears = end = 0
        for check in sorted((check for check, _ in drive.answered), key=lambda check: check.window.start):
            if check.failure is not None or check.window.start != end:
                break  # what comes after this window is cleared by nothing so far
            clears, end = check.window.clears, check.window.end
            named |= {index for edit in check.verdict.edits for index in range(edit.start, edit.end)}
        delivered = [ord(character) - 0x4E00 for character in drive.text if not character.isascii()]
        assert delivered == sorted(set(delivered))
        assert max(delivered, default=-1) < (len(text) if end == len(text) else max(clears, 0))
        if drive.gate.ended and isinstance(drive.items[-1], Finished):
            assert delivered == [index for index in range(len(text)) if index not in named]
        else:
            assert set(range(max(delivered, default=0))) - set(delivered) <= named

    gate = Gate([plan(0, Rules([]), shape, max_concurrency=choices.one_of([1, 2, 99]))], Turn())
    drive = Drive(gate, choices, answer, audit)
    drive.run(split(choices, text))
    assert isinstance(drive.items[-1], Finished | RailFailed)


# --- Whose refusal it is, in the smallest cases that random ones have found -----------------------------------


def ends(text: str, rails: list[tuple[Shape, Rule | None]], *, last_first: bool) -> list[object]:
    """Return what goes out of rails with one rule each, if of all checks that run the first or the last answers."""
    judges = [Rules([rule] if rule else []) for _, rule in rails]
    gate = Gate([plan(n, judge, rails[n][0]) for n, judge in enumerate(judges)], Turn())
    running = []
    for character in [*text, None]:
        if character is None:
            gate.finish()
        else:
            gate.feed(character)
        running += gate.step.start
        gate.step.start.clear()
        while running and (character is None or not last_first):
            check = running.pop(-1 if last_first else 0)
            gate.answer(check, judges[int(check.lane.plan.name)].check(check.window, None))
            running += gate.step.start
            gate.step.start.clear()
    return list(gate.step.items)


def test_what_a_rail_has_seen_in_part_and_takes_away_later_the_next_cannot_refuse():
    shape = Shape(8, 3, 3)
    rails = [(shape, Rule("xyy", "xyy", "")), (shape, Rule("xy", "xy", None))]
    *texts, last = ends("pppppp" + "xyy" + "qqqqqqqqqqqq", rails, last_first=False)
    assert isinstance(last, Finished)
    assert "".join(texts) == "pppppp" + "qqqqqqqqqqqq"


def test_a_refusal_that_only_the_end_makes_certain_is_one():
    rails = [(Shape(8, 6, 6), None), (Shape(14, 8, 6), Rule("abc", "abc", None))]
    (last,) = ends("abcdefgh", rails, last_first=True)
    assert isinstance(last, Blocked)
    assert last.rail == "1"


def test_of_two_that_refuse_the_same_window_the_first_in_order_decides_whoever_answers_first():
    rails = [(Shape(8, 2, 2), Rule("bad", "bad", None))] * 2
    assert [item.rail for item in ends("a bad ab", rails, last_first=True)] == ["0"]
    assert [item.rail for item in ends("a bad ab", rails, last_first=False)] == ["0"]
