"""A window passes through few functions between the chunk that completes it and what the consumer gets of it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import handrail
import pytest
from fakes import FakeProvider, FunctionRail
from handrail import Chunk, Verdict

ROOT = str(Path(handrail.__file__).parent) + os.sep
PASSES = Verdict.allow()
WORDS = [" tide", " côte", " harbour", " moon —"] * 30  # the same again, so that their tokens are not counted anew


class PlainRail:
    """Answers at once, so that no task is needed."""

    def check(self, window, turn):
        return PASSES


@pytest.fixture
def anyio_backend():
    return "asyncio"  # on trio a wake-up, which the loop of asyncio has at hand, is an object of the kernel's


async def way_of_a_window(rails) -> Counter[tuple[str, str]]:
    """Return the kernel's functions that run while the third to the eighth window go their way, and how often."""
    seen: Counter[tuple[str, str]] = Counter()
    deliveries = 0

    def look(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and 2 <= deliveries < 8 and code.co_filename.startswith(ROOT):
            name = code.co_qualname.partition(".<locals>.<")[0]  # a comprehension is no function
            seen[code.co_filename.removeprefix(ROOT), name] += 1

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        async for _ in rails.stream_async("hello"):
            deliveries += 1
    finally:
        sys.setprofile(before)
    assert deliveries > 12
    return seen


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rail", "most"), [(PlainRail(), 40), (FunctionRail(lambda window: PASSES), 57)], ids=["at once", "in tasks"]
)
async def test_few_functions_stand_between_a_chunk_and_its_delivery(guarded, rail, most):
    provider = FakeProvider([Chunk(word) for word in WORDS], delay=0.001)
    way = await way_of_a_window(guarded(provider, {"judge": rail}, chunk_size=8, context_size=2).rails)
    assert 20 < len(way) <= most, f"{len(way)} in {len({module for module, _ in way})} modules: {sorted(way)}"


@pytest.mark.anyio
@pytest.mark.parametrize("make", [PlainRail, lambda: FunctionRail(lambda window: PASSES)], ids=["at once", "in tasks"])
async def test_a_check_costs_as_much_with_many_rails_as_with_few(guarded, make):
    calls = []
    for count in (4, 16):
        provider = FakeProvider([Chunk(word) for word in WORDS], delay=0.001)
        judges = {f"judge {number}": make() for number in range(count)}
        way = await way_of_a_window(guarded(provider, judges, parallel=True, chunk_size=8, context_size=2).rails)
        calls.append(way.total() / count)
    few, many = calls
    assert many < few


@pytest.mark.anyio
async def test_text_at_hand_is_looked_at_where_a_window_may_be_in_it_and_nowhere_else(guarded):
    provider = FakeProvider([Chunk(word) for word in WORDS * 40])  # others are let run, and what is pending is counted
    rail = FunctionRail(lambda window: PASSES)
    way = await way_of_a_window(guarded(provider, {"judge": rail}, chunk_size=300, context_size=10).rails)
    windows, looks = way["_builtin/rolling.py", "Rolling._make"], way["_stream/gate.py", "Gate.look"]
    assert windows >= 4
    assert looks < 2 * windows
