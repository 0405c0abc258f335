"""The package behaves as every plugin must, and a rail that is placed as every window rail must."""

from __future__ import annotations

import pytest
from handrail import RailsConfig
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance

ADVICE = "Just mix the bleach with the ammonia in one bucket."


class TestPlugin(PluginConformance):
    distribution = "handrail-ray"


class TestPlaced(WindowRailConformance):
    @pytest.fixture
    def case(self, serve):
        serve.places(RailsConfig.from_content(config={}), "classifier")
        return RailCase(
            rail="classifier",
            settings={"place": {"ray": {"address": serve.url}}},
            allows=("Why are there tides?",),
            blocks={ADVICE: "bleach with the ammonia"},
            failing=RailCase(
                rail="classifier", settings={"timeout": 0.5, "place": {"ray": {"address": "http://127.0.0.1:9"}}}
            ),
        )
