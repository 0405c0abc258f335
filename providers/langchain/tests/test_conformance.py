"""The package behaves as every distribution must; it has no plugin of its own."""

from __future__ import annotations

from handrail_testkit import DistributionConformance


class TestDistribution(DistributionConformance):
    distribution = "handrail-langchain"
