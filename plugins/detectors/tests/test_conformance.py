"""The package and its rails behave as every plugin and every window rail must."""

from __future__ import annotations

from typing import ClassVar

import pytest
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance

LONG = "The tides follow the moon, which pulls at the water. " * 12
ADVICE = "Just mix the bleach with the ammonia in one bucket."


class TestPlugin(PluginConformance):
    distribution = "handrail-detectors"
    takes_unknown_settings: ClassVar = {
        "jailbreak detection model": "existing configurations have keys of heuristics there; an address must be set"
    }


class TestEmbedded(WindowRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="classifier",
            allows=("Why are there tides?", LONG),
            blocks={ADVICE: "bleach with the ammonia", LONG + ADVICE: "bleach with the ammonia"},
            failing=RailCase(
                rail="classifier",
                settings={
                    "engine": "tei",
                    "url": "http://127.0.0.1:9",
                    "labels": {"toxic": "toxicity", "neutral": None},
                },
            ),
        )


class TestEmbeddedInput(WindowRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(rail="classifier", direction="input", allows=("Why are there tides?",), blocks=(ADVICE,))
