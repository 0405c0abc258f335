"""The package and its rail behave as every plugin and every window rail must."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, RailCase, WindowRailConformance

PARAMETERS = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 50}},
    "required": ["query"],
    "additionalProperties": False,
}


class TestPlugin(PluginConformance):
    distribution = "handrail-tools"


class TestToolCallValidation(WindowRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="tool call validation",
            tools=({"type": "function", "function": {"name": "search", "parameters": PARAMETERS}},),
            tool_name="search",
            allows=('{"query": "tides"}', ' { "limit" : 50, "query" : "\\u00e9\\"" } '),
            blocks=dict.fromkeys(('{"query": 3}', '{"query": "x", "limit": 51}', '{"query": "x"', "rm -rf /"), ""),
        )
