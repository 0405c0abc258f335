"""The package and its provider behave as every plugin and every provider must."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, ProviderCase, ProviderConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-tiny"


class TestTiny(ProviderConformance):
    @pytest.fixture
    def case(self, make_provider, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        return ProviderCase(
            provider=make_provider(),
            messages=({"role": "user", "content": "How do I make pancakes?"},),
            failing=make_provider(str(tmp_path)),
        )
