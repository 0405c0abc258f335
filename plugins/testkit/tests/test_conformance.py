"""The test kit is a plugin too, for its command, and behaves as it asks of others."""

from __future__ import annotations

from handrail_testkit import PluginConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-testkit"
