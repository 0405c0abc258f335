"""Single values of a protocol are read as servers send them, and never end in an error of Python's."""

from __future__ import annotations

import pytest
from handrail_http import count_of


@pytest.mark.parametrize(("value", "count"), [(0, 0), (12, 12), (12.0, 12), ("12", 12), (2**53 - 1, 2**53 - 1)])
def test_a_number_of_tokens_is_read_in_whatever_form(value, count):
    assert count_of(value) == count


@pytest.mark.parametrize("value", [-1, 10**400, 2**53, 1e308, float("nan"), float("inf"), True, None, "-1", "1e5", [1]])
def test_what_is_no_number_of_tokens_is_none(value):
    assert count_of(value) is None
