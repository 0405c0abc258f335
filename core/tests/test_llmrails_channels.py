"""What of an answer a rail is shown: what the rail itself says, and what its configuration says instead."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Blocked, Chunk, Ruling, TextDelta, ToolCallDelta, Verdict
from handrail.errors import InvalidRailsConfigurationError

ARGUMENTS = '{"path": "' + "".join(words(100)) + '"}'


def calling():
    chunks = [Chunk(reasoning="hm"), Chunk("Hi")]
    opening = [Chunk(tool_calls=(ToolCallDelta(0, "c1", "rm"),))]
    rest = [Chunk(tool_calls=(ToolCallDelta(0, arguments=character),)) for character in ARGUMENTS]
    return FakeProvider([*chunks, *opening, *rest])


async def shown(guarded, *, specs=None, options=None, **streaming):
    rail = FunctionRail()
    await guarded(calling(), {"r": rail}, specs={"r": specs or {}}, options=options, **streaming).events()
    return [(window.channel, window.text) for window in rail.windows]


async def test_a_rail_sees_what_a_reader_can_act_on_unless_it_says_otherwise(guarded):
    windows = await shown(guarded)
    assert {channel for channel, _ in windows} == {"text", "tool_calls"}
    assert windows[0][1].startswith("path\n")
    assert await shown(guarded, specs={"channels": ("text",)}) == [("text", "Hi")]


async def test_a_rail_says_which_channels_it_is_shown(guarded):
    assert await shown(guarded, specs={"channels": ("reasoning",)}) == [("reasoning", "hm")]


async def test_a_configuration_says_otherwise(guarded):
    options = {"r": {"channels": ["text"]}}
    assert await shown(guarded, specs={"channels": ("reasoning",)}, options=options) == [("text", "Hi")]


async def test_a_rail_that_needs_the_whole_gets_one_window_of_it(guarded):
    specs = {"channels": ("tool_calls",), "whole": True}
    assert await shown(guarded, specs=specs) == [("tool_calls", ARGUMENTS)]
    assert len(await shown(guarded, specs={"channels": ("tool_calls",)})) > 3


async def test_what_a_rail_must_see_whole_is_held_also_with_stream_first(guarded):
    refusing = FunctionRail(lambda window: Verdict.block("no"), latency=1)
    specs = {"r": {"channels": ("tool_calls",), "whole": True}}
    *events, last = await guarded(calling(), {"r": refusing}, specs=specs, stream_first=True).events()
    assert isinstance(last, Blocked)
    assert not [event for event in events if isinstance(event, ToolCallDelta)]
    assert TextDelta("Hi", 0) in events


def test_a_rail_that_needs_the_whole_takes_no_settings_of_windows(guarded):
    options = {"r": {"streaming": {"chunk_size": 100}}}
    with pytest.raises(InvalidRailsConfigurationError, match="rail 'r' checks whole texts only"):
        guarded(calling(), {"r": FunctionRail()}, specs={"r": {"whole": True}}, options=options)


async def test_a_stream_rail_has_no_use_for_the_whole(guarded):
    g = guarded(calling(), {"r": SessionRail(Ruling)}, specs={"r": {"whole": True}})
    assert "".join([text async for text in g.rails.stream_async("hello")]) == "Hi"


async def test_a_rail_of_an_input_reads_the_users_text_whatever_it_looks_at_in_an_answer(guarded):
    rail = FunctionRail()
    g = guarded(FakeProvider(["Hi"]), {"r": rail}, input_flows=["r"], specs={"r": {"channels": ("tool_calls",)}})
    await g.rails.generate_async("hello")
    assert [(window.channel, window.text) for window in rail.windows] == [("text", "hello")]
