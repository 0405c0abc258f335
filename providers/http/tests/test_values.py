"""Single values of a protocol are read as servers send them, and never end in an error of Python's."""

from __future__ import annotations

import json

import pytest
from handrail_http import count_of, plain_json
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(("value", "count"), [(0, 0), (12, 12), (12.0, 12), ("12", 12), (2**53 - 1, 2**53 - 1)])
def test_a_number_of_tokens_is_read_in_whatever_form(value, count):
    assert count_of(value) == count


@pytest.mark.parametrize("value", [-1, 10**400, 2**53, 1e308, float("nan"), float("inf"), True, None, "-1", "1e5", [1]])
def test_what_is_no_number_of_tokens_is_none(value):
    assert count_of(value) is None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(plain)
def test_a_body_of_plain_values_is_the_same_json(value):
    assert json.loads(plain_json(value)) == value


class Word(str):
    __slots__ = ()


DEEP = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [b"x", {1, 2}, {1: 2}, object(), Word("x"), "\ud83d", float("nan"), float("inf"), 10**5000, DEEP],
    ids=["bytes", "set", "key", "object", "own text", "half a character", "NaN", "Infinity", "number", "depth"],
)
def test_what_an_sdk_has_to_write_or_refuse_is_left_to_it(value):
    assert plain_json({"messages": [{"content": value}]}) is None
