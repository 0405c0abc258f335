"""A text that comes at once goes through rails in slices, and the loop is free between them."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, SessionRail
from handrail import Chunk, Ruling, TextDelta, ToolCallDelta
from handrail._stream.slices import SLICE, parts, slices
from hypothesis import given
from hypothesis import strategies as st

LONG = "word " * SLICE * 4


@given(st.text(max_size=20), st.integers(0, 3), st.integers(-2, 2))
def test_slices_are_the_text(text, times, more):
    text = text + "x" * max(0, times * SLICE + more)
    buffer, seen, flags = [text[:7], text[7:]], [], []
    for flag in slices(buffer, len(text)):
        seen.append("".join(buffer))
        flags.append(flag)
    assert "".join(seen) == text
    assert max(map(len, seen)) <= SLICE or len(seen) == 1
    assert flags == [True] * (len(flags) - 1) + [False]


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


@pytest.mark.parametrize("way", ["stream", "stream_async", "generate", "check", "feed"])
async def test_a_session_reads_a_long_text_in_slices_and_others_go_on_meanwhile(guarded, way):
    sizes, turns = [], []

    def feed(text):
        sizes.append(len(text))
        return Ruling(text)

    g = guarded(FakeProvider([LONG]), {"r": SessionRail(feed)})

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
