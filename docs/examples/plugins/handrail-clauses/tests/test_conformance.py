"""The package is what Handrail expects of a plugin, and the strategy what it expects of one."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, StrategyCase, StrategyConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-clauses"


class TestClauses(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase(strategy="clauses", settings={"min_tokens": 5, "longest_clause": 60})
