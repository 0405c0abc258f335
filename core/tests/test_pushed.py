"""Text that is pushed is judged alike whether it comes alone, for which there is a shorter way, or not."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail
from handrail import Blocked, Chunk, Edit, Finished, RailFailed, Ruling, TextDelta, Usage, Verdict
from handrail.errors import AnswerTooLongError, InvalidRequestError, StreamClosedError, TimedOut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtual import run

TEXT = "One two é three 😀 badly four ab. " * 90


class Masking:
    """A stream rail that replaces each `a`."""

    def open(self, turn):
        return _Masked()


class _Masked:
    came = 0

    def feed(self, text):
        self.came += len(text)
        places = [self.came - len(text) + at for at, letter in enumerate(text) if letter == "a"]
        return Ruling(text.replace("a", "A!"), edits=tuple(Edit(at, at + 1, "A!") for at in places))

    def finish(self):
        return Ruling()


def blocking(text):
    return Ruling("", block=Verdict.block("no")) if "four" in text else Ruling(text)


def failing(text):
    return Ruling(text) if "four" not in text else 1 / 0


def slow(text):
    """Return a chunk for which there is no shorter way."""
    return Chunk(text, usage=Usage())


def held_first(text):
    """Return a text that is pushed only where it cannot be held."""
    return text


RAILS = {
    "none": dict,
    "passing": lambda: {"s": SessionRail()},
    "masking": lambda: {"m": Masking()},
    "two": lambda: {"m": Masking(), "s": SessionRail(blocking)},
    "blocking": lambda: {"s": SessionRail(blocking)},
    "failing": lambda: {"s": SessionRail(failing)},
    "windows": lambda: {
        "w": FunctionRail(lambda window: Verdict.block("no") if "four" in window.text else Verdict.allow())
    },
    "both": lambda: {"s": SessionRail(), "w": FunctionRail()},
}


async def answered(rails, pieces, made, **config):
    """Return the events that each push returned, those of the end, and what came of the call."""
    async with Guarded(FakeProvider([]), RAILS[rails](), **config).rails.feed("hello") as guard:
        events = []
        for piece in map(made, pieces):
            held = made is held_first and guard.hold(piece)
            events.append([] if held else await guard.push(piece))
        events.append(await guard.finish())
        response = guard.response
    events[-1] = [Finished() if isinstance(event, Finished) else event for event in events[-1]]  # but for the usage
    told = [(run.rail, run.decision, run.characters, run.window) for run in response.rail_runs]
    return events, response.text, response.outcome, told


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(RAILS)),
    st.sampled_from(["asyncio", "trio"]),
    st.lists(st.sampled_from([1, 2, 3, 5, 17, 2500]), min_size=1, max_size=6),
)
def test_text_is_judged_as_chunks_are_piece_by_piece(rails, backend, sizes):
    pieces, at = [], 0
    while at < len(TEXT):
        for size in sizes:
            pieces.append(TEXT[at : at + size])
            at += size
    quick, held, others = (run(backend, answered, rails, pieces, made) for made in (str, held_first, slow))
    assert quick[1:3] == held[1:3] == others[1:3]
    if rails not in ("windows", "both"):  # with them it is the event loop that decides what comes when
        assert quick == held == others


@pytest.mark.parametrize("made", [str, Chunk, held_first, slow])
async def test_a_refusal_goes_out_with_the_push_that_brought_it_about(made):
    events, text, outcome, _ = await answered("blocking", ["one ", "two ", "three ", "four ", "five "], made)
    assert [[type(event) for event in one] for one in events] == [[TextDelta]] * 3 + [[Blocked], [], []]
    assert (text, outcome) == ("one two three ", "blocked")


@pytest.mark.parametrize("made", [str, Chunk, held_first, slow])
async def test_a_failure_goes_out_with_the_push_that_brought_it_about(made):
    events, *_ = await answered("failing", ["one ", "two ", "four ", "five "], made)
    assert [[type(event) for event in one] for one in events] == [[TextDelta]] * 2 + [[RailFailed], [], []]


async def test_half_a_character_waits_for_the_other_half():
    pieces = ["one ", "two ", "\ud83d", "\ude00", " end"]
    whole = await answered("passing", pieces, slow)
    assert await answered("passing", pieces, str) == whole
    assert [event.text for event in sum(whole[0], []) if isinstance(event, TextDelta)] == ["one ", "two ", "😀", " end"]


@pytest.mark.parametrize("rails", sorted(RAILS))
@pytest.mark.parametrize("made", [str, Chunk, held_first, slow])
async def test_text_that_is_too_long_is_refused(rails, made):
    pushed = []

    def noted(piece):
        pushed.append(piece)
        return made(piece)

    with pytest.raises(AnswerTooLongError):
        await answered(rails, ["word "] * 100, noted, max_answer_characters=300)
    assert len(pushed) == 61


async def test_text_is_held_only_within_a_window():
    async with Guarded(FakeProvider([]), {"w": FunctionRail(latency=0.1)}).rails.feed("hello") as guard:
        assert not guard.hold("first ")  # which the engine has to see, to know how it is to be read
        assert (await guard.push("first "), guard.hold("second "), guard.checking) == ([], True, False)
        held = []
        while not guard.checking:
            held.append(guard.hold("word "))
            assert held[-1] or await guard.push("word ") == []
        assert sum(held) > len(held) / 2
        await guard.finish()
        assert not guard.checking
        with pytest.raises(InvalidRequestError):
            guard.hold("more")
    with pytest.raises(StreamClosedError):
        guard.hold("more")


@pytest.mark.parametrize("then", ["finish", "iteration"])
async def test_a_finish_that_is_cancelled_loses_nothing_that_was_cleared(then):
    """What it had collected by then is returned by the next call, or comes first in an iteration."""
    guarded = Guarded(FakeProvider([]), {"slow": FunctionRail(latency=1.0)}, chunk_size=20, first_chunk_size=10)
    async with guarded.rails.feed("hello") as guard:
        events = await guard.push(TEXT)
        with anyio.move_on_after(1.5) as scope:
            await guard.finish()
        assert scope.cancelled_caught
        assert guard.response.text != ""
        events += await guard.finish() if then == "finish" else [event async for event in guard]
    assert "".join(event.text for event in events[:-1]) == guard.response.text == TEXT
    assert isinstance(events[-1], Finished)


async def test_what_a_finish_collected_before_the_time_was_over_can_be_read():
    guarded = Guarded(FakeProvider([]), {"slow": FunctionRail(latency=1.0)}, chunk_size=20, first_chunk_size=10)
    async with guarded.rails.feed("hello", timeout=1.5) as guard:
        assert await guard.push(TEXT) == []
        with pytest.raises(TimedOut):
            await guard.finish()
        events = [event async for event in guard]
    assert "".join(event.text for event in events) == guard.response.text != ""
    assert guard.response.outcome == "timed out"
