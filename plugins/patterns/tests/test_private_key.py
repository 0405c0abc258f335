"""A private key is withheld from its header to its footer, whatever joins its lines."""

from __future__ import annotations

import random

import pytest
from handrail import Turn
from handrail_patterns._private_key import LIMIT, PRIVATE_KEY
from handrail_patterns._session import PatternSession, flags_in_journal
from patterns_definition import delivered, random_split, shipped

PATTERNS, _ = shipped([PRIVATE_KEY])
LINES = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDQw0erTyUiOpAs",
    "dFgHjKlZxCvBnM1234567890QwErTyUiOpAsDfGhJkLzXcVbNm0987654321QwEr",
    "c2hvcnQ=",
)


def pem(
    join: str, before: str = "", after: str = "", name: str = "RSA PRIVATE KEY", lines: tuple[str, ...] = LINES
) -> str:
    whole = (f"-----BEGIN {name}-----", *lines, f"-----END {name}-----")
    return join.join(f"{before}{line}{after}" for line in whole)


@pytest.mark.parametrize(
    "text",
    [
        pem("\n"),
        pem("\r\n"),
        pem(r"\n"),
        pem(r"\\n"),
        pem(r"\\\\r\\\\n"),
        pem("<br>"),
        pem("&#10;"),
        pem(" "),
        pem(""),
        pem("\n", before="        "),
        pem("\n", before="> > "),
        pem("\n", before="# "),
        pem("\n", before=" * "),
        pem("\n", before="- "),
        pem("\n", before='"', after='\\n"'),
        pem(" +\n", before="'", after="\\n'"),
        pem("\n", before="+ "),
        "\n".join(f"{number:3d} | {line}" for number, line in enumerate(pem("\n").split("\n"))),
        pem("\n", name="OPENSSH PRIVATE KEY"),
        pem("\n", name="PGP PRIVATE KEY BLOCK", lines=("Version: GnuPG v2", "Comment: made up", "", *LINES)),
        pem("\n", lines=("Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0011223344", "", *LINES)),
        pem("\n", lines=tuple(LINES[0][place : place + 10] for place in range(0, 60, 10))),
        pem("\n").replace("-----BEGIN ", "---- BEGIN ").replace("KEY-----", "KEY ----"),
        pem("\n").replace(" ", "+"),
    ],
)
def test_nothing_of_a_key_goes_out_and_all_beside_it_does(text: str) -> None:
    chance = random.Random(text)
    for pieces in (text, [text], random_split(text, chance)):
        given = delivered(
            PATTERNS.open(), [f"key:\n{pieces}" if isinstance(pieces, str) else "key:\n", *pieces, "\nok"]
        )
        if isinstance(pieces, str):
            given = delivered(PATTERNS.open(), f"key:\n{text}\nok")
        assert "[PRIVATE_KEY]" in given.text
        assert given.text.endswith("\nok")
        assert not any(line[:12] in given.text for line in LINES[:2])


def test_a_key_without_an_end_is_withheld_to_the_end_and_reported() -> None:
    turn = Turn()
    session = PatternSession(PATTERNS.open(), None, flags_in_journal(turn, "secret check", "output"))
    given = session.feed(f"So: {pem(chr(10))[:150]}").text + session.finish().text
    assert given == "So: [PRIVATE_KEY]"
    (run,) = turn.journal.rail_runs
    assert (run.category, run.decision) == ("private_key", "flag")
    assert "without an end" in (run.reason or "")


def test_a_key_with_its_end_is_not_reported() -> None:
    turn = Turn()
    session = PatternSession(PATTERNS.open(), None, flags_in_journal(turn, "secret check", "output"))
    assert session.feed(pem("\n")).text + session.finish().text == "[PRIVATE_KEY]"
    assert not turn.journal.rail_runs


def test_a_key_that_goes_on_and_on_blocks_the_stream() -> None:
    session = PatternSession(PATTERNS.open(), None, lambda *_: None)
    ruling = session.feed(f"x -----BEGIN PRIVATE KEY-----\n{(LINES[0] + chr(10)) * (LIMIT // 60)}")
    assert ruling.block is not None
    assert ruling.text == "x "


@pytest.mark.parametrize(
    "text",
    [
        "It begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----.",
        "if '-----BEGIN RSA PRIVATE KEY-----' in text: raise KeyError('see /etc/ssl/private/server.key')",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END CERTIFICATE-----",
    ],
)
def test_speaking_of_a_key_is_no_key(text: str) -> None:
    assert delivered(PATTERNS.open(), text).text == text
