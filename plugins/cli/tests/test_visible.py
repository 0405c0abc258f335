from __future__ import annotations

import unicodedata

import pytest
from handrail_cli import visible
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold]text[/] :smile:", "plain [bold]text[/] :smile:"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x9b2J", "\\u009b2J"),
        ("bell\x07 back\x08 delete\x7f", "bell␇ back␈ delete␡"),
        ("over\rwritten\r\nline", "overwritten\nline"),
        ("a\tb\nc", "a\tb\nc"),
        ("\u202eevil", "\\u202eevil"),
        ("half \ud83d pair", "half \\ud83d pair"),
        ("héllo 👩‍🚀 שלום 漢字", "héllo 👩‍🚀 שלום 漢字"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_instead(text: str, shown: str):
    assert visible(text) == shown


@settings(deadline=None)
@given(st.text())
def test_no_control_character_is_left(text: str):
    left = [c for c in visible(text) if unicodedata.category(c) in {"Cc", "Cs"} or c in "\u202e\u2066"]
    assert set(left) <= {"\n", "\t"}


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_text_is_shown_alike_however_it_is_cut(before: str, after: str):
    assert visible(before) + visible(after) == visible(before + after)
