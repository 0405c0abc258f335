"""A text that comes at once goes through rails in slices, and the loop is free between them."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail
from handrail import Chunk, Ruling, TextDelta, ToolCallDelta, Verdict
from handrail._stream.backend import let_others_run
from handrail._stream.kept import KeptText
from handrail._stream.received import Received
from handrail._stream.source import LONG_SLICE, SLICE, parts
from hypothesis import given
from hypothesis import strategies as st

LONG = "word " * SLICE * 4
READERS = 8


@given(st.lists(st.text("ab", max_size=9), max_size=6), st.integers(1, 8))
def test_what_is_taken_bit_by_bit_is_the_text(pieces, most):
    received, buffer, taken = Received(), [*pieces], []
    while buffer:
        taken.append(received.add_text(buffer, most))
    text = "".join(pieces)
    assert "".join(taken) == "".join(received.texts) == text
    assert all(len(slice_) == most for slice_ in taken[:-1])
    assert not taken or len(taken[-1]) <= most
    assert received.characters == len(text)


@pytest.mark.parametrize(
    "words", [["你", "好", "世", "界"], [" the", " tide", " comes", " in"], ["für", " Grö", "ße", "n"], ["Я", " вижу"]]
)
@pytest.mark.parametrize("joined", [1, 5, 30])
def test_tokens_that_come_joined_are_counted_as_those_that_come_apart(words, joined):
    tokens = words * 60
    received, text = Received(), "".join(tokens)
    came = ["".join(tokens[start : start + joined]) for start in range(0, len(tokens), joined)]
    assert len(tokens) <= received.tokens(0, came) <= 3 * len(tokens)
    for piece in came:
        received.add_text([piece])
    assert len(tokens) <= received.tokens(len(text), []) <= 3 * len(tokens)


class Looked(list):
    """A buffer that notes how many of its pieces were looked at."""

    looked_at = 0

    def __getitem__(self, pieces):
        found = super().__getitem__(pieces)
        self.looked_at += len(found)
        return found


@pytest.mark.parametrize("word", ["tide ", "潮"])
def test_each_piece_that_waits_for_a_large_window_is_looked_at_once(word):
    received, buffer = Received(), Looked()
    for _ in range(300):
        buffer += [word] * 3
        fresh = Received().tokens(0, [*buffer])
        assert received.tokens(0, buffer) == received.tokens(0, buffer) == fresh
    assert buffer.looked_at == 900
    assert received.tokens(len(received.add_text(buffer)), buffer) == fresh


def test_a_chunk_that_is_short_is_its_only_part():
    chunk = Chunk("Hi", reasoning="hm", tool_calls=(ToolCallDelta(0, "c", "f", "{}"),))
    assert [*parts(chunk)] == [chunk]


def test_the_parts_of_a_long_chunk_say_the_same():
    calls = (ToolCallDelta(0, "c", "f", LONG, "custom"), ToolCallDelta(1, "d", "g", "{}"))
    chunk = Chunk(LONG, reasoning=LONG, tool_calls=calls, finish_reason="stop", metadata={"a": 1})
    *first, last = parts(chunk)
    assert "".join(part.reasoning for part in first) == LONG
    deltas = [call for part in first for call in part.tool_calls]
    assert "".join(call.arguments for call in deltas if call.index == 0) == LONG
    assert [call.name for call in deltas if call.name] == ["f", "g"]
    assert {call.kind for call in deltas if call.index == 0} == {"custom"}
    assert (last.text, last.reasoning, last.tool_calls, last.finish_reason) == (LONG, "", (), "stop")
    assert last.metadata == {"a": 1}


async def test_a_push_that_is_cancelled_between_slices_loses_nothing(guarded):
    entered = []

    def feed(text):
        entered.append(text)
        return Ruling(text)

    async with guarded(FakeProvider([]), {"r": SessionRail(feed)}).rails.feed("hello") as guard:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await guard.push(LONG + "the end")
        assert len(entered) == 1
        events = [*await guard.push(" and more"), *await guard.finish()]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == LONG + "the end and more"


@pytest.mark.parametrize("last", [None, "stop"])
@pytest.mark.parametrize("way", ["stream", "stream_async", "generate", "check", "feed"])
async def test_a_session_reads_a_long_text_in_slices_and_others_go_on_meanwhile(guarded, way, last):
    sizes, turns = [], []

    def feed(text):
        sizes.append(len(text))
        return Ruling(text)

    g = guarded(FakeProvider([Chunk(LONG, finish_reason=last)]), {"r": SessionRail(feed)})

    async def beside():
        while True:
            turns.append(len(sizes))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beside)
        assert await read(g, way) == LONG
        tasks.cancel_scope.cancel()
    assert max(sizes) <= SLICE
    assert len(set(turns)) > 5  # of some twenty slices: in which order tasks run is the loop's affair


@pytest.mark.parametrize("way", ["stream", "stream_async", "generate", "check", "feed"])
async def test_others_wait_for_one_slice_however_many_long_texts_are_read(guarded, way):
    """Else a hundred clients with long texts would have everybody else wait for a hundred slices at a time."""
    taken, gaps = [], []

    def feed(text):
        taken.append(text)
        return Ruling(text)

    async def beside():
        while True:
            before = len(taken)
            await anyio.lowlevel.checkpoint()
            if before >= READERS:  # each takes its first slice where it stands
                gaps.append(len(taken) - before)

    g = guarded(FakeProvider([Chunk(LONG)]), {"r": SessionRail(feed)})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beside)
        async with anyio.create_task_group() as readers:
            for _ in range(READERS):
                readers.start_soon(read, g, way)
        tasks.cancel_scope.cancel()
    assert len(taken) >= READERS * len(LONG) // SLICE
    assert max(gaps) <= 3  # for tasks may run twice before another


async def test_a_reader_that_is_forgotten_while_it_has_its_turn_holds_up_nobody_for_long():
    forgotten = let_others_run()
    forgotten.send(None)
    with anyio.fail_after(5):
        for _ in range(20):
            await let_others_run()
    forgotten.close()
    await let_others_run()


@pytest.mark.parametrize("way", ["stream", "stream_async", "generate", "check"])
async def test_nothing_more_of_a_long_text_is_judged_once_its_reader_has_left(guarded, way):
    """Whoever sends megabytes and leaves would otherwise hold up everybody until all of it is judged."""
    scope, seen = anyio.CancelScope(), []

    def feed(text):
        seen.append(text)
        if len(seen) == 2:
            scope.cancel()
        return Ruling(text)

    with scope:
        await read(guarded(FakeProvider([Chunk(LONG)]), {"r": SessionRail(feed)}), way)
    assert scope.cancelled_caught
    assert sum(map(len, seen)) < 5 * SLICE < len(LONG)


class PlainRail:
    def check(self, window, turn):
        return Verdict.allow()


@pytest.mark.parametrize(
    "rails",
    [{}, {"session": SessionRail()}, {"window": FunctionRail()}, {"window": PlainRail()}],
    ids=["none", "session", "window", "plain"],
)
@pytest.mark.parametrize("way", ["stream", "stream_async", "generate"])
async def test_a_provider_that_has_many_small_pieces_at_hand_lets_others_go_on(guarded, rails, way):
    """As after one read of a fast connection: nothing of it suspends the task that reads."""
    given, turns = [], [0]

    class Flood:
        async def stream(self, messages, params):
            for word in LONG.split(" ")[:-1]:
                given.append(word)
                yield Chunk(word + " ")

    async def beside():
        while True:
            turns.append(len(given))
            await anyio.lowlevel.checkpoint()

    g = guarded(Flood(), rails)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beside)
        assert await read(g, way) == LONG
        tasks.cancel_scope.cancel()
    at_once = LONG_SLICE if "window" in rails or way == "stream_async" else SLICE
    gaps = [later - earlier for earlier, later in pairwise([*turns, len(given)])]
    assert max(gaps) * len("word ") < 2.2 * at_once < len(LONG) / 2  # for tasks may run twice before another


async def read(g, way):
    rails = g.rails
    if way == "stream_async":
        return "".join([text async for text in rails.stream_async("hello")])
    if way == "generate":
        return (await rails.generate_async("hello", options={})).text
    if way == "check":
        return (await rails.check_async([{"role": "assistant", "content": LONG}])).content
    if way == "feed":
        async with rails.feed("hello") as guard:
            events = [*await guard.push(Chunk(LONG)), *await guard.finish()]
        return "".join(event.text for event in events if isinstance(event, TextDelta))
    return "".join(event.text for event in await g.events() if isinstance(event, TextDelta))


@given(st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1), st.floats(0, 1)), max_size=30))
def test_text_is_kept_from_where_it_is_needed_and_not_much_of_what_is_before(steps):
    kept, text, needed = KeptText(), "", 0
    for size, forget, start in steps:
        new = "".join(chr(33 + (len(text) + i) % 90) for i in range(size))
        kept.append(new)
        text += new
        begin = needed + int((len(text) - needed) * start)
        assert kept.slice(begin, len(text)) == text[begin:]
        assert kept.holds(text[needed:], needed)
        assert len(kept._text) <= 2 * (len(text) - needed) + 2 * 2048 + size
        needed = kept.needed_from = needed + int((len(text) - needed) * forget)
