"""The kernel's own strategy behaves as every strategy must."""

from __future__ import annotations

import pytest
from handrail_testkit import StrategyCase, StrategyConformance


class TestRolling(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("rolling")


class TestSmallWindows(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("rolling", {"chunk_size": 12, "context_size": 4, "hold_size": 3, "first_chunk_size": 5})
