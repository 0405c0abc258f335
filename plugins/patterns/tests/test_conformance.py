"""The package and its rails behave as every plugin and every stream rail must."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance, RailCase, StreamRailConformance

ALLOWED = ("The tides follow the moon.", "Mail me at noon @ the pier, or call 12 34.", "No key: sk-, AKIA or TKT-12")
_EXISTING = "configurations written for other systems have keys there that streams of text make no use of"


class TestPlugin(PluginConformance):
    distribution = "handrail-patterns"
    takes_unknown_settings = {
        "regex check input": _EXISTING,
        "regex check output": _EXISTING,
        "detect sensitive data on input": _EXISTING,
        "detect sensitive data on output": _EXISTING,
        "mask sensitive data on input": _EXISTING,
        "mask sensitive data on output": _EXISTING,
    }


class TestRegexCheck(StreamRailConformance):
    @pytest.fixture
    def case(self):
        ticket = {"name": "ticket", "pattern": r"TKT-\d{4,8}", "action": "redact"}
        old = {"pattern": r"\bold\b", "action": "mask"}
        one = {"name": "one", "pattern": "abc", "action": "redact"}
        other = {"pattern": "bcd", "action": "mask"}
        return RailCase(
            rail="regex check",
            settings={"patterns": [ticket, r"launch codes?", old, one, other]},
            allows=ALLOWED,
            blocks={"Here are the launch codes: 1 2 3": "launch code", "TKT-1234 launch code": "launch code"},
            rewrites={
                "Your ticket is TKT-12345, keep it.": "Your ticket is [TICKET], keep it.",
                "TKT-123456789": "[TICKET]9",
                "an old man": "an *** man",
                "x abcd x": "x [ONE] x",
            },
        )


class TestPhraseCheck(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="phrase check",
            settings={"phrases": ["forbidden phrase", "stra\u00dfe"]},
            allows=ALLOWED,
            blocks={
                "It is a F\u200bORBIDDEN   ph\u0301rase, sir": "F\u200bORBIDDEN   ph\u0301rase",
                "Die STRASSE ist lang": "STRASSE",
            },
        )


class TestPersonalDataCheck(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="personal data check",
            settings={"actions": {"payment_card": "block"}},
            allows=ALLOWED,
            blocks={"My card is 4111 1111 1111 1111, and": "4111 1111 1111 1111"},
            rewrites={"Write to jane@example.com!": "Write to [EMAIL]!"},
        )


class TestSecretCheck(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="secret check",
            settings={"action": "block"},
            allows=ALLOWED,
            blocks={"key AKIAIOSFODNN7EXAMPLE, done": "AKIAIOSFODNN7EXAMPLE"},
        )


class TestRegexCheckOfExistingConfigurations(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="regex check output",
            settings={"output": {"patterns": [r"swordfish"], "case_insensitive": True}},
            allows=ALLOWED,
            blocks={"The word is SwordFish.": "SwordFish"},
        )


class TestMaskedSensitiveData(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="mask sensitive data on output",
            settings={"output": {"entities": ["EMAIL_ADDRESS"]}},
            allows=ALLOWED,
            rewrites={"Write to jane@example.com!": "Write to <EMAIL_ADDRESS>!"},
        )


class TestDetectedSensitiveData(StreamRailConformance):
    @pytest.fixture
    def case(self):
        return RailCase(
            rail="detect sensitive data on input",
            settings={"input": {"entities": ["EMAIL_ADDRESS"]}},
            direction="input",
            allows=ALLOWED,
            blocks={"Write to jane@example.com!": "jane@example.com"},
        )
