"""The package is what Handrail expects of a plugin, and the rails what it expects of rails."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance


class TestPlugin(PluginConformance):
    distribution = "handrail-conversations"


class TestThreeStrikes(WindowRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="three strikes",
            settings={"phrases": ["blockhead"]},
            direction="input",
            allows=("When does the ferry leave?",),
            blocks=("You blockhead!",),
        )


class TestHiding(WindowRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="pseudonyms",
            direction="input",
            allows=("When does the ferry leave?",),
            rewrites={"Write to ana@example.org now.": "Write to person-226690@pseudonym.invalid now."},
        )
