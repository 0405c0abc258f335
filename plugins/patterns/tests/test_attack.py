"""Texts made to cost much: each character costs a few microseconds at most, whatever stands in the text.

The bounds are several times what is measured on a quiet machine, and far below what a text costs that is read again
and again.
"""

from __future__ import annotations

from functools import cache

import pytest
from handrail_patterns._actions import Action
from handrail_patterns._fold import Folding
from handrail_patterns._making import rules_of
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._regex import Patterns
from handrail_patterns._rule import make_rule
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import PatternSession
from work import least, seconds

FOLDING = Folding(("unicode", "invisible", "marks", "markup"))
MOST = 30.0  # microseconds a character
UNITS = (
    "_", "4111-", "1 2 ", "_@", "eyJ-", ":ab", "0 ", "+1 ", "-----BEGIN PRIVATE KEY-----", "a.", "1.1.1.1 ",
    "a@", "sk-", "password=", 'token="', "Bearer ", "curl -u ", "://", "a://b:", '"a', "(12) ", "DE12 ",
    "phone 4", "\u4e2d@", "\u0436", "\u0436a", "b\u0e34", "e\u0301", "4\u200b", "\uff14", "\x00", "\\n",
    "1 975-786-6966\u4e2d", "--secret=pppppppppppppppp/", "tel 444444 9999 122 ", "AccountKey=a",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq",
)  # fmt: skip


RAILS = {"personal data check": PERSONAL_DATA, "secret check": SECRETS}


@cache
def compiled(rail: str) -> Patterns:
    """Compile the kinds of a rail, which takes a second, where a test first needs them."""
    return Patterns(rules_of(RAILS[rail], {kind.name: Action("redact", kind.label) for kind in RAILS[rail]}))


def test_of_all_secrets_only_a_private_key_may_be_held_longer_than_its_limit() -> None:
    """For each other one, all that is held would be read again with every piece."""
    assert {rule.name for _, rule in compiled("secret check").watched} == {"private_key"}
    assert compiled("personal data check").watched == []


@pytest.mark.parametrize("size", [4, 1024])
@pytest.mark.parametrize("rail", RAILS)
@pytest.mark.parametrize("unit", UNITS)
def test_no_text_costs_much(unit: str, rail: str, size: int) -> None:
    text = unit * (12_000 // len(unit))
    assert _microseconds(compiled(rail), text, size) < MOST


@pytest.mark.parametrize("size", [4, 1024])
def test_a_long_hold_is_not_read_again_with_every_piece(size: int) -> None:
    """A key of 60,000 characters is held to its end; with a look at each piece of four it would cost a minute."""
    text = "-----BEGIN PRIVATE KEY-----\n" + ("A1b" * 20 + "\n") * 950
    assert _microseconds(compiled("secret check"), text, size) < MOST


def test_an_expression_of_ones_own_that_holds_long_is_not_read_again_either() -> None:
    patterns = Patterns([make_rule("p", r"BEGIN[a-z ]{0,20000}END", Action("redact", "P"))])
    assert _microseconds(patterns, "BEGIN" + "ab cd " * 3300, 4) < MOST


def _microseconds(patterns: Patterns, text: str, size: int) -> float:
    def read() -> None:
        session = PatternSession(patterns.open(), FOLDING.open(), lambda *_: None, markup=True)
        for place in range(0, len(text), size):
            if session.feed(text[place : place + size]).block is not None:
                break

    return least(lambda: seconds(read) / len(text) * 1e6, MOST)
