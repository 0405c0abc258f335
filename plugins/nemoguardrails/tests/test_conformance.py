"""The package behaves as every plugin must."""

from __future__ import annotations

from handrail_testkit import PluginConformance


class TestDistribution(PluginConformance):
    distribution = "handrail-nemoguardrails"
    packages = ("nemoguardrails",)
