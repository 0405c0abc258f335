"""The package's rails behave as every stream rail must."""

from __future__ import annotations

import pytest
from handrail_testkit import RailCase, StreamRailConformance


class TestRegexCheck(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="regex check",
            settings={
                "patterns": [{"name": "ticket", "pattern": r"TKT-\d{4,8}", "action": "redact"}, r"launch codes?"]
            },
            allows=("The tides follow the moon.", "TKT- is no ticket, nor is TKT-12"),
            blocks={"Here are the launch codes: 1 2 3": "launch code"},
            rewrites={"Your ticket is TKT-12345, keep it.": "Your ticket is [TICKET], keep it."},
        )
