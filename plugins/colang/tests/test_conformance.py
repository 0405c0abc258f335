"""The package and the rails that it makes of flows behave as every plugin and every window rail must."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance

FLOW = """
define bot refuse
  "I cannot say that."

define flow no bombs
  $bad = "forbidden phrase" in $bot_message
  if $bad
    bot refuse
    stop
"""


class TestPlugin(PluginConformance):
    distribution = "handrail-colang"


class TestFlow(WindowRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="no bombs",
            config={"colang_content": FLOW},
            allows=("The tides follow the moon.", "word " * 150),
            blocks={"a forbidden phrase here": "forbidden phrase", "word " * 150 + "forbidden phrase": "forbidden"},
        )
