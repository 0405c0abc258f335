"""A large body is read piece by piece: the same result, the same errors, and never long at a time."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from handrail_server import _pieces
from handrail_server._bodies import ChatBody, ChecksBody, EmbeddingsBody, parse_body
from handrail_server._errors import ApiError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio
MEGABYTE = 2**20
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8) | st.sampled_from(['"', "\\", "[,{"])
)
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=4), v, max_size=4))
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "king"])},
    optional={"content": st.text(max_size=20) | VALUES, "name": st.text(max_size=4), "x": VALUES},
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(MESSAGES, max_size=4) | VALUES,
        "tools": st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=3) | VALUES,
        "input": st.lists(st.text(max_size=4) | st.integers(0, 9), max_size=3) | st.text(max_size=4),
        "temperature": st.floats(0, 2) | st.text(max_size=3),
        "stream": st.booleans() | st.integers(0, 1),
        "context": VALUES,
    },
)


async def read(model, body: bytes, *, values=10**6, messages=1000):
    return await _pieces.parse_large_body(model, body, values=values, messages=messages)


@given(BODIES | VALUES, st.sampled_from([ChatBody, ChecksBody, EmbeddingsBody]), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
async def test_what_is_read_in_pieces_is_what_is_read_whole(value, model, escaped):
    body = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    try:
        whole = parse_body(model, body)
    except ApiError:
        with pytest.raises(ApiError):
            await read(model, body)
        return
    assert (await read(model, body)) == whole


@given(VALUES, st.sampled_from([None, 1]))
@settings(max_examples=150, deadline=None)
def test_marks_inside_a_text_are_no_values(value, indent):
    body = json.dumps(value, indent=indent).encode()
    texts = re.findall(rb'"(?:[^"\\]|\\.)*"', body)
    rest = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", body)
    assert sum(_pieces._positions(body)) == len(texts) + sum(rest.count(mark) for mark in (b"[", b"{", b","))


@pytest.mark.parametrize("inside", ['"', "\\", '\\"', 'a"', "\\\\\\", "é\n"])
def test_long_text_is_one_value_whatever_is_in_it(inside):
    body = json.dumps([inside * 5000, 1]).encode()
    assert sum(_pieces._positions(body)) == 3
    assert sum(_pieces._positions(body[: len(body) // 2])) == 2  # and one that does not end does not hang


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"messages": [{"role": "user", "content": "a"}] * 1001}, "too_many_messages"),
        ({"messages": [{"role": "user", "content": "a"}], "tools": [{"a": [1] * 20_000}]}, "body_too_complex"),
        ({"messages": [{"role": "user", "content": "a"}], "context": {"a": [1] * 20_000}}, "body_too_complex"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 9000}]}, "body_too_complex"),
        ({"messages": [[[]]] * 60_000}, "body_too_complex"),
    ],
)
async def test_body_that_would_take_long_to_decode_is_refused(serve, config, values, code):
    answer = await serve({"a": config()}).chat(values)
    assert (answer.status, answer.error["code"]) == (400, code)


async def test_large_conversation_with_many_tools_is_taken(serve, config):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}}
    messages = [{"role": "user", "content": 'He said "no".\n' * 200}, {"role": "assistant", "content": "ok"}] * 450
    body = {"messages": [*messages, {"role": "user", "content": "x"}], "tools": [tool] * 300, "temperature": 0.5}
    assert (await serve({"a": config()}).chat(body)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "x" * MEGABYTE}]},
        {"messages": [{"role": "user", "content": "\n" * MEGABYTE}]},
        {"messages": [{"role": "user", "content": "a"}] * 900},
        {"messages": [{"role": "user", "content": "a"}], "tools": [[]] * 90_000},
        {"messages": [{"role": "user", "content": "a"}], "stop": ["a"] * 200_000},
        {"messages": [{"role": "user", "content": '"' * MEGABYTE}]},
    ],
    ids=["a text", "escapes", "messages", "tools", "stops", "quotation marks"],
)
@pytest.mark.anyio
async def test_no_step_is_long(body, monkeypatch):
    """Counted in what a step may look at, and not in seconds, which depend on the machine."""
    steps: list[int] = []
    encoded = json.dumps(body).encode()

    class Decoder:
        def __init__(self, inner) -> None:
            self.inner = inner

        def validate_json(self, piece):
            steps.append(sum(_pieces._positions(piece)))
            return self.inner.validate_json(piece)

    monkeypatch.setattr(ChatBody, "lists", {name: Decoder(inner) for name, inner in ChatBody.lists.items()})
    whole = parse_body
    monkeypatch.setattr(
        _pieces, "parse_body", lambda model, b: steps.append(sum(_pieces._positions(b))) or whole(model, b)
    )
    with suppress(ApiError):  # some are refused
        await read(ChatBody, encoded, values=100_000)
    assert all(step <= 5_001 for step in steps)
