"""Events that repeat one another are read as they would be one by one, or not at all."""

from __future__ import annotations

import json

import pytest
from handrail_http import Repeated
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.lists(st.text(alphabet=st.sampled_from('ab "\\{}:,é東\n🙂'), max_size=6), min_size=1, max_size=5)


def event(text, **more):
    return json.dumps({"id": 1, "delta": {"content": text}, "end": None, **more}, ensure_ascii=len(text) % 2 == 0)


def block(*events):
    return "".join(f"data: {data}\n\n" for data in events).encode()


def repeated(data, text, field="content"):
    made = Repeated()
    made.compare_with(data.encode(), field, text)
    return made


@given(first=st.text(max_size=8), texts=TEXTS)
def test_texts_of_events_that_are_alike_are_joined(first, texts):
    made = repeated(event(first), first)
    assert made.text_of(block(*map(event, texts))) == "".join(texts)
    assert made.field == "content"


@given(texts=TEXTS, at=st.integers(0, 10_000), byte=st.sampled_from(b'a"\\,:}\n {'))
def test_one_byte_that_is_another_is_noticed_unless_it_is_of_a_text(texts, at, byte):
    came = bytearray(block(*map(event, texts)))
    came[at % len(came)] = byte
    found = repeated(event("a"), "a").text_of(bytes(came))
    if found is not None:
        parts = came.decode().removesuffix("\n\n").split("\n\n")
        assert found == "".join(json.loads(part.removeprefix("data: "))["delta"]["content"] for part in parts)


@pytest.mark.parametrize(
    "other",
    [
        event("a", more=1),
        event("a").replace("null", "1"),
        event("a") + " ",
        event("a").replace('"a"', "null"),
        event("a").replace('"a"', '"a", "b"'),
        event("a").replace('"a"', '"\\ud83d"'),  # half a character: its other half may come in the next event
    ],
)
def test_another_event_among_them_is_left_to_who_decodes_all_of_it(other):
    made = repeated(event("a"), "a")
    assert made.text_of(block(event("b"))) == "b"
    for mixed in (block(other), block(event("a"), other), block(other, event("a")), block(event("a")) + b": ping\n\n"):
        assert made.text_of(mixed) is None


@pytest.mark.parametrize(
    ("data", "text", "field"),
    [
        ('{"content": "a", "other": {"content": "a"}}', "a", "content"),
        ('{"role": "content", "content": "a"}', "a", "content"),
        ('{"\\u0063ontent": "a", "x": {"content": "b"}}', "a", "content"),
        ('{"content": ["a"]}', "a", "content"),
        ('{"content": "a"}', "a", "reasoning"),
    ],
)
def test_an_event_whose_text_cannot_be_found_for_certain_is_not_compared_with(data, text, field):
    assert repeated(data, text, field).text_of(block(data)) is None


def test_a_server_that_says_something_new_in_each_event_is_soon_not_compared_any_more():
    made = Repeated()
    for number in range(10):
        made.compare_with(event("a", number=number).encode(), "content", "a")
        assert made.text_of(block(event("a", number=number + 1))) is None
    assert made.text_of(block(event("a", number=9))) is None
    assert repeated(event("a", number=9), "a").text_of(block(event("a", number=9))) == "a"
