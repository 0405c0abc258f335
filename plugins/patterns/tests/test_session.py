"""What a session does with matches: its actions, overlaps, flags, and its end."""

from __future__ import annotations

import pytest
from handrail import Edit, Ruling, Turn
from handrail.errors import StreamClosedError
from handrail_patterns._actions import Action, ActionName
from handrail_patterns._regex import Patterns
from handrail_patterns._rule import make_rule
from handrail_patterns._session import PatternSession, flags_in_journal
from patterns_definition import delivered


def patterns(*pairs: tuple[str, ActionName]) -> Patterns:
    return Patterns(
        make_rule(f"p{order}", pattern, Action(name, f"P{order}", key=b"key"), order=order)
        for order, (pattern, name) in enumerate(pairs)
    )


def open_session(compiled: Patterns) -> PatternSession:
    return PatternSession(compiled.open(), None, lambda *_: None)


@pytest.mark.parametrize(
    ("action", "text", "given"),
    [
        (Action("redact", "CARD"), "4111 1111", "[CARD]"),
        (Action("redact", "CARD", replacement="***"), "4111 1111", "***"),
        (Action("redact", "CARD", replacement=""), "4111 1111", ""),
        (Action("mask", "CARD"), "4111-1111-1111-1234", "****-****-****-1234"),
        (Action("mask", "CARD"), "1234567", "*******"),
        (Action("mask", "CARD", keep=0), "12345678", "********"),
        (Action("mask", "CARD", keep=2), "jane@x.org", "****@*.*rg"),
    ],
)
def test_what_an_action_gives(action: Action, text: str, given: str) -> None:
    assert action.apply(text) == given


def test_a_hash_hangs_on_its_key_and_is_the_same_each_time() -> None:
    action = Action("hash", "CARD", key=b"k")
    assert action.apply("4111") == action.apply("4111") != Action("hash", "CARD", key=b"other").apply("4111")
    assert action.apply("4111").startswith("[CARD:")
    assert "4111]" not in action.apply("4111")


def test_a_key_is_never_shown() -> None:
    assert "topsecret" not in repr(Action("hash", "X", key=b"topsecret"))


def test_edits_are_spans_of_the_text_that_was_fed() -> None:
    session = open_session(patterns((r"\d+", "redact")))
    assert session.feed("ab 12") == Ruling("ab ")
    assert session.feed("3 cd 4") == Ruling("[P0] cd ", None, (Edit(3, 6, "[P0]"),))
    assert session.finish() == Ruling("[P0]", None, (Edit(10, 11, "[P0]"),))


@pytest.mark.parametrize(
    ("pairs", "text", "given"),
    [
        ([("ab", "redact"), ("bc", "mask")], "xabcx", "x[P0]x"),
        ([("ab", "mask"), ("bc", "redact")], "xabcx", "x[P1]x"),
        ([("ab", "redact"), ("bc", "redact"), ("cd", "mask")], "xabcdx", "x[P0]x"),
        ([("ab", "redact"), ("cd", "redact")], "xabcdx", "x[P0][P1]x"),
        ([("abcd", "mask"), ("bc", "redact")], "xabcdx", "x[P1]x"),
        ([("a+", "redact")], "aaXaa", "[P0]X[P0]"),
    ],
)
def test_overlapping_matches_are_one_and_adjacent_ones_are_not(
    pairs: list[tuple[str, ActionName]], text: str, given: str
) -> None:
    assert delivered(patterns(*pairs).open(), text).text == given
    assert delivered(patterns(*pairs).open(), [text]).text == given


def test_a_block_lets_out_what_precedes_it_and_nothing_else() -> None:
    session = open_session(patterns(("stop", "block"), ("op it", "redact")))
    ruling = session.feed("go on and stop it now")
    assert ruling.text == "go on and "
    assert ruling.block is not None
    assert (ruling.block.category, ruling.block.span) == ("p0", (10, 14))
    with pytest.raises(StreamClosedError):
        session.feed("more")


def test_a_block_waits_for_what_stands_before_it() -> None:
    """A redaction that is still open may reach into the blocked text, so nothing of it may be out."""
    session = open_session(patterns(("a.{0,9}z", "redact"), ("stop", "block")))
    assert session.feed("x a stop").text == "x "
    ruling = session.feed(" go on and on")
    assert ruling.text == "a "
    assert ruling.block is not None


def test_flagged_text_passes_and_is_written_down() -> None:
    turn = Turn()
    session = PatternSession(patterns((r"\d+", "flag")).open(), None, flags_in_journal(turn, "regex check", "output"))
    assert "".join(session.feed(piece).text for piece in "ab 12 cd") + session.finish().text == "ab 12 cd"
    (run,) = turn.journal.rail_runs
    assert (run.rail, run.decision, run.category, run.span) == ("regex check", "flag", "p0", (3, 5))


def test_surrogates_and_control_characters_pass_untouched() -> None:
    text = "a\ud800b\x00c\x1b[31m\udfff\u2028 12 \ud83d"
    assert delivered(patterns(("12", "redact")).open(), text).text == text.replace("12", "[P0]")
    assert delivered(patterns((r"[\ud800-\udfff]", "hash")).open(), text).text.count("[P0:") == 3


def test_empty_pieces_and_an_empty_stream_are_nothing() -> None:
    session = open_session(patterns(("ab", "redact")))
    assert session.feed("") == Ruling()
    assert session.feed("a") == Ruling()
    assert session.feed("") == Ruling()
    assert session.finish() == Ruling("a")
    assert open_session(patterns(("ab", "redact"))).finish() == Ruling()


def test_a_feed_or_an_end_after_the_end_raises() -> None:
    session = open_session(patterns(("ab", "redact")))
    session.finish()
    with pytest.raises(StreamClosedError, match="after the end"):
        session.feed("a")
    with pytest.raises(StreamClosedError, match="ended twice"):
        session.finish()


def test_streams_of_one_rail_know_nothing_of_each_other() -> None:
    compiled = patterns((r"ab+c", "redact"))
    first, second = open_session(compiled), open_session(compiled)
    assert first.feed("xab").text == "x"
    assert second.feed("c ab").text == "c "
    assert first.feed("bc").text == "[P0]"
    assert second.feed("d").text == "abd"
