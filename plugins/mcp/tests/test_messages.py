"""Messages are read strictly, and what they say is found and written back whole."""

from __future__ import annotations

import json

import pytest
from handrail_mcp._json import NotAMessageError, parse, written
from handrail_mcp._leaves import rewritten, texts_of
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "null",
        '{"jsonrpc": "1.0", "id": 1, "method": "x"}',
        '{"jsonrpc": "2.0", "id": 1, "method": "x", "Method": "y"}',
        '{"jsonrpc": "2.0", "id": 1, "method": "x", "method": "y"}',
        '{"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": 1, "a": 2}}',
        '{"jsonrpc": "2.0", "id": 1, "method": "x", "params": []}',
        '{"jsonrpc": "2.0", "id": 1, "method": "x", "result": {}}',
        '{"jsonrpc": "2.0", "id": 1, "method": 5}',
        '{"jsonrpc": "2.0", "id": true, "method": "x"}',
        '{"jsonrpc": "2.0", "id": "gun powder", "result": {}}',
        '{"jsonrpc": "2.0", "id": 1, "method": "gun powder"}',
        '{"jsonrpc": "2.0", "id": 1.5, "method": "x"}',
        '{"jsonrpc": "2.0", "id": 1, "result": {"a": NaN}}',
        '{"jsonrpc": "2.0", "id": 1, "result": {"a": 1e999}}',
        '{"jsonrpc": "2.0", "result": {}}',
        '{"jsonrpc": "2.0", "id": 1}',
        '[{"jsonrpc": "2.0", "id": 1, "method": "x"}]',
        '{"jsonrpc": "2.0", "id": 1, "result": {"a": ' + "[" * 200 + "]" * 200 + "}}",
        '{"jsonrpc": "2.0", "id": 1, "result": {"a": ' + "[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 1, "method": "x\xff"}',
    ],
)
def test_what_could_be_read_in_two_ways_is_not_a_message(line):
    with pytest.raises(NotAMessageError):
        parse(line)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_message_that_nobody_changes_stays_what_it_was(params):
    message = {"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"arguments": params, **params}}
    assert parse(written(message)) == message
    assert rewritten(message["params"], [one.text for one in texts_of(message["params"])]) == message["params"]


@given(VALUES)
def test_every_text_number_and_key_of_what_a_tool_takes_is_found(value):
    def said(value):
        if isinstance(value, dict):
            return [text for key, below in value.items() for text in (key, *said(below))]
        if isinstance(value, list):
            return [text for below in value for text in said(below)]
        return [] if value is None or isinstance(value, bool) else [value if isinstance(value, str) else repr(value)]

    assert [one.text for one in texts_of({"arguments": value})] == said(value)


@given(st.dictionaries(st.text(), st.text(), max_size=4))
def test_every_text_can_be_put_in_the_place_of_another(params):
    found = texts_of({"structuredContent": params})
    texts = [f"{n}" for n in range(len(found))]
    made = rewritten({"structuredContent": params}, texts)["structuredContent"]
    assert [text for pair in made.items() for text in pair] == texts


def test_two_keys_that_become_one_are_an_error():
    with pytest.raises(ValueError, match="same"):
        rewritten({"arguments": {"a": 1, "b": 2}}, ["x", "1", "x", "2"])


def test_a_line_has_no_line_end_in_it():
    assert b"\n" not in written({"jsonrpc": "2.0", "id": 1, "result": {"a": "x\ny\u2028"}})
    assert json.loads(written({"a": "\ud800"})) == {"a": "\ud800"}
