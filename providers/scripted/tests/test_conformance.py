"""The package and its provider behave as every plugin and every provider must."""

from __future__ import annotations

import pytest
from handrail_scripted import ScriptedProvider
from handrail_testkit import PluginConformance, ProviderCase, ProviderConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-scripted"


class TestScripted(ProviderConformance):
    @pytest.fixture
    def case(self):
        failing = {"text": "Once upon a time", "error": {"type": "server", "after": 2}}
        return ProviderCase(
            provider=ScriptedProvider.from_texts("Hello there, how are you today?"),
            expected_text="Hello there, how are you today?",
            failing=ScriptedProvider({"answers": [failing]}),
        )


class TestScriptedAtAPace(ProviderConformance):
    @pytest.fixture
    def case(self):
        return ProviderCase(provider=ScriptedProvider.from_texts("One two three four", tokens_per_second=500))
