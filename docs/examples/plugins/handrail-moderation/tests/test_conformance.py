"""The package is what Handrail expects of a plugin, and the rail what it expects of a rail of windows."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance

RAIL = "harbour moderation"


class TestPlugin(PluginConformance):
    distribution = "handrail-moderation"


class TestModeration(WindowRailConformance):
    @pytest.fixture
    def case(self, harbour):
        return RailCase(
            rail=RAIL,
            settings={"url": harbour.url, "token_env_var": "HARBOUR_TOKEN"},
            allows=("The tides follow the moon.", "Heads of state, and blocks of wood."),
            blocks=("Listen to me, you Blockhead, and be quiet.",),
            failing=RailCase(rail=RAIL, settings={"url": "http://127.0.0.1:9/closed"}, allows=("Hello",)),
            secret="a-token-of-the-tests",
        )
