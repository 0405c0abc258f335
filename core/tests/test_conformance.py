"""The kernel's own strategy and its distribution behave as everybody's must."""

from __future__ import annotations

import pytest
from handrail_testkit import DistributionConformance, StrategyCase, StrategyConformance


class TestDistribution(DistributionConformance):
    distribution = "handrail"
    packages = ("handrail",)
    expected_failures = {"test_it_asks_for_a_kernel_that_it_knows": "it is the kernel"}


class TestRolling(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("rolling")


class TestSmallWindows(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("rolling", {"chunk_size": 12, "context_size": 4, "hold_size": 3, "first_chunk_size": 5})
