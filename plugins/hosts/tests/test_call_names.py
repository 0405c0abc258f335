"""The name of a tool call that was not offered is judged like text, as the server does it, in every host."""

from __future__ import annotations

import json

import pytest
from handrail import Chunk, LLMRails, RailsConfig, ToolCallDelta
from handrail_hosts._dialects import ChatDialect
from handrail_hosts._feed import Feed
from handrail_hosts._guard import HostGuard

RAILS = {
    "output": {"flows": ["phrase check"], "streaming": {"enabled": True}},
    "config": {"phrase check": {"phrases": ["swordfish"]}},
}
OFFERED = [{"type": "function", "function": {"name": "swordfish", "parameters": {}}}]
HELLO = [{"role": "user", "content": "Hello"}]
CASES = pytest.mark.parametrize(
    ("name", "tools", "told"),
    [
        ("swordfish", [], "withheld"),
        ("swordfish", OFFERED, "swordfish"),
        ("look_up", [], "look_up"),
        ("look_up", OFFERED, "look_up"),
    ],
)


@pytest.fixture
def guard():
    return HostGuard(LLMRails(RailsConfig.from_content(config={"rails": RAILS})))


def calling(name):
    async def source(messages):
        yield Chunk(tool_calls=(ToolCallDelta(0, "c1", name, "{}"),))
        yield Chunk(finish_reason="tool_calls")

    return source


def names_in(items):
    return [item.name for item in items if isinstance(item, ToolCallDelta)]


@CASES
async def test_a_name_that_was_not_offered_is_told_as_rails_let_it_through(guard, name, tools, told):
    released = [item async for item in guard.released(HELLO, calling(name), tools=tools)]
    stream = guard.stream(HELLO, calling(name), tools=tools)
    taken = [item async for items in guard.items(stream, tools=tools) for item in items]
    whole = await guard.whole(HELLO, calling(name), tools=tools)
    assert names_in(released) == names_in(taken) == [call.name for call in whole.tool_calls] == [told]


@CASES
async def test_so_it_is_in_the_events_of_an_application(guard, name, tools, told):
    found = []

    async def tell(items):
        found.extend(items)

    feed = Feed(guard, ChatDialect(), HELLO, {"tools": tools}, tell)
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}
    for choice in ({"delta": {"tool_calls": [call]}}, {"delta": {}, "finish_reason": "tool_calls"}):
        await feed.push(f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n".encode())
    await feed.finish()
    await feed.aclose()
    assert names_in(found) == [told]
