"""However bytes are cut, the same comes out: checked against the whole, for random content and cuts."""

from __future__ import annotations

import json
import re

import pytest
from handrail_http import EventSplitter, EventTooLargeError, data_of
from hypothesis import given
from hypothesis import strategies as st

KINDS = ("data: a", "data:b", "data:  c", "data", ": comment", "event: x", "id: 1", "", "", "other", "data: é")
LINES = st.lists(st.sampled_from([line.encode() for line in KINDS]), max_size=12)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def cut(whole, places):
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def expected(body):
    """What the standard for event streams says, for a body that is there as a whole."""
    found, current = [], []
    for line in re.split(rb"\r\n|\n|\r", body)[:-1]:
        if not line:
            found += [b"\n".join(current)] if current else []
            current = []
        elif line == b"data" or line.startswith(b"data:"):
            current.append(line[5:].removeprefix(b" "))
    return found


@given(lines=LINES, end=ENDS, places=st.lists(st.integers(0, 500), max_size=8), mark=st.booleans())
def test_events_are_the_same_wherever_the_bytes_are_cut(lines, end, places, mark):
    body = b"".join(line + end for line in lines)
    splitter = EventSplitter()
    pieces = cut(b"\xef\xbb\xbf" * mark + body, places)
    assert [data for piece in pieces for data in splitter.feed(piece)] == expected(body)


def test_an_event_is_given_as_soon_as_it_is_complete():
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\n") == []
    assert splitter.feed(b"\n") == [b"a"]
    assert splitter.feed(b"data: b\r\r") == [b"b"]
    assert splitter.feed(b"\ndata: c\r\n\r") == [b"c"]
    assert splitter.feed(b"\n") == []


def test_an_event_that_comes_byte_by_byte_costs_what_it_is_long():
    """Looking through everything again for each byte would take minutes."""
    splitter, size = EventSplitter(), 200_000
    found = [data for byte in b"data: " + b"x" * size + b"\n\n" for data in splitter.feed(bytes((byte,)))]
    assert [len(data) for data in found] == [size]


@pytest.mark.parametrize("lines", [b'{"error": {"message": "busy"}}', b'{\n "error": {}\n}', b' {"error": 1}'])
def test_an_object_that_is_not_named_as_data_is_read(lines):
    """As servers write the error with which a stream breaks off."""
    whole = b"data: a\n\n" + lines + b"\n\ndata: b\n\n"
    assert EventSplitter().feed(whole) == [b"a", lines, b"b"]
    assert EventSplitter().feed(b"event: x\nother: {}\n\n") == []


def test_an_event_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("handrail_http._sse.LARGEST_EVENT", 100)
    splitter = EventSplitter()
    splitter.feed(b"data: " + b"x" * 94)
    with pytest.raises(EventTooLargeError):
        splitter.feed(b"x")


@pytest.mark.parametrize("name", [b"ping", b"heartbeat", b"keep-alive", b"KEEPALIVE"])
@pytest.mark.parametrize("rest", [b"data: 2026-01-01T00:00:00Z\n", b"id: 7\ndata: {}\n"])
def test_an_event_that_is_named_as_a_sign_of_life_has_no_data(name, rest):
    for event in (b"event: " + name + b"\n" + rest, rest + b"event:" + name + b"\n"):
        assert EventSplitter().feed(b"data: 1\n\n" + event + b"\ndata: 2\n\n") == [b"1", b"2"]


def test_an_event_of_any_other_name_has_data():
    assert EventSplitter().feed(b"event: errors\ndata: 1\n\nevent: pings\ndata: 2\n\n") == [b"1", b"2"]


@pytest.mark.parametrize(
    ("line", "read"),
    [(b"[keepalive]", []), (b'{"error": "x"}', [b'{"error": "x"}']), (b'[ {"a": 1}]', [b'[ {"a": 1}]'])],
)
def test_only_an_object_counts_as_data_without_its_name(line, read):
    assert data_of(line + b"\n\n") == read


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (b"event: error\ndata: Busy.", b'{"error": "Busy."}'),
        (b'data: {"msg": "Busy."}\nevent:error', b'{"error": {"msg": "Busy."}}'),
        (b'event: error\ndata: {"error": 1}', b'{"error": 1}'),
        (b'event: error\ndata: {"type": "error"}', b'{"type": "error"}'),
        (b"event: error\ndata: {}", b'{"error": "no reason given"}'),
    ],
)
def test_an_event_that_is_named_as_an_error_says_so_itself(event, found):
    assert EventSplitter().feed(event + b"\n\n") == [found]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "event", [b'data: {"a": 1}', b'event: x\ndata: {"a": 1}', b'{"a": 1}', b'data: {"a":\ndata: 1}']
)
def test_the_last_event_may_lack_its_blank_line(event, end):
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\n\n" + event + end) == [b"1"]
    assert [json.loads(data) for data in data_of(splitter.rest())] == [{"a": 1}]
    assert splitter.rest() == b""


@pytest.mark.parametrize(
    "event", [b'data: {"a": 1', b"data: {", b"data", b"event: x", b"<html>", b": comment", b"", b"\n"]
)
def test_an_event_that_was_cut_is_none(event):
    splitter = EventSplitter()
    splitter.feed(event)
    assert data_of(splitter.rest()) == []
