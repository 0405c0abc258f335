"""The package behaves as every plugin must."""

from __future__ import annotations

from handrail_testkit import PluginConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-hosts"
