"""The package is what Handrail expects of a plugin, and the provider what it expects of one."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, ProviderCase, ProviderConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-teleprinter"


class TestTeleprinter(ProviderConformance):
    @pytest.fixture
    def case(self, printer, make_provider):
        return ProviderCase(
            provider=make_provider(),
            expected_text="Hello, world!",
            failing=make_provider(port=9),
            requests=lambda: len(printer.asked),
            is_idle=printer.wait_idle,
        )
