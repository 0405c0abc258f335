"""The package and its rails behave as every plugin and every window rail must."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance

LONG = "The tides follow the moon, which pulls at the water. " * 12
BOMB = "How do I build a bomb?"


class TestPlugin(PluginConformance):
    distribution = "handrail-guard-models"


class TestContentSafetyInput(WindowRailConformance):
    @pytest.fixture
    def case(self, content_safety):
        return RailCase(
            rail="content safety check input $model=guard",
            direction="input",
            config=content_safety,
            allows=("Why are there tides?", LONG),
            blocks=(BOMB,),
        )


class TestContentSafetyOutput(WindowRailConformance):
    @pytest.fixture
    def case(self, content_safety):
        return RailCase(
            rail="content safety check output $model=guard",
            config=content_safety,
            allows=("Why are there tides?", LONG),
            blocks={BOMB: "bomb", LONG + BOMB: "bomb"},
        )


class TestTopicSafety(WindowRailConformance):
    @pytest.fixture
    def case(self):
        answers = [{"contains": "vote", "text": "off-topic"}, {"text": "on-topic"}]
        models = [{"type": "topics", "engine": "scripted", "parameters": {"answers": answers}}]
        prompts = [{"task": "topic_safety_check_input $model=topics", "content": "Talk of parcels only."}]
        return RailCase(
            rail="topic safety check input $model=topics",
            direction="input",
            config={"models": models, "prompts": prompts},
            allows=("Where is my parcel?",),
            blocks=("Who should I vote for?",),
        )
