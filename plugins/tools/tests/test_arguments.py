"""Reading arguments, and finding a value in them."""

from __future__ import annotations

import json

import pytest
from handrail_tools._arguments import ArgumentsError, read, span_of
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def paths(value, path=()):
    """Yield every path into a value, with what stands there."""
    yield path, value
    if isinstance(value, dict | list):
        for step, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(below, (*path, step))


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 2]), st.booleans())
def test_every_value_is_found_where_it_stands(value, indent, ascii_only):
    text = "\n " + json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read(text) == value
    for path, expected in paths(value):
        start, end = span_of(text, path)
        assert json.loads(text[start:end]) == expected


@given(st.text())
def test_any_text_is_read_or_refused_with_a_span_inside_it(text):
    start, end = _blamed(text) or (0, 0)
    assert 0 <= start <= end <= len(text)


def _blamed(text):
    try:
        read(text)
    except ArgumentsError as exc:
        return exc.start, exc.end
    return None


@pytest.mark.parametrize("text", ['{"a": {"b": 1, "b": 1}}', '[{"a": 1, "a": 2}]', '{"a": -Infinity}'])
def test_what_readers_take_differently_is_refused_at_any_depth(text):
    with pytest.raises(ArgumentsError):
        read(text)
