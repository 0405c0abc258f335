"""The package behaves as every distribution with a plugin must."""

from __future__ import annotations

from handrail_testkit import PluginConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-audit"
