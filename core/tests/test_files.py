from __future__ import annotations

import pytest
from handrail.files import readable_text, text_of
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(lambda text: text[0] != "\ufeff")


@given(
    TEXTS,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(["", "application/pdf", "image/png"]),
)
def test_a_text_is_read_whatever_its_sender_calls_it(text, encoding, media_type):
    raw = text.encode(encoding)
    assert text_of(raw) == text
    assert readable_text(raw, media_type) == text


@pytest.mark.parametrize("odd", [b"\0", b"\x7f", b"\xff", b"\x80\x80"])
@pytest.mark.parametrize("media_type", ["", "application/pdf", "application/octet-stream", "text/plain"])
def test_an_odd_byte_leaves_no_text_unread(odd, media_type):
    for raw in (odd + b"forbidden", b"forbidden" + odd):
        assert text_of(raw) is None
        assert "forbidden" in (readable_text(raw, media_type) or "")


@pytest.mark.parametrize(
    "beginning", [b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"PK\x03\x04", b"\0\0\0\x20ftypisom", b"ID3"]
)
def test_what_begins_as_a_document_or_a_medium_is_not_read(beginning):
    raw = beginning + b"\0\xffforbidden"
    assert readable_text(raw) is None
    assert "forbidden" in (readable_text(raw, "text/plain") or "")  # for then a model is given its text


def test_sounds_without_a_beginning_of_their_own_are_what_their_sender_says():
    assert readable_text(b"\0\1\0\2", "audio/pcm16") is None


def test_a_beginning_may_end_inside_a_character():
    assert text_of("é".encode()[:1], final=False) == ""
    assert text_of("é".encode()[:1]) is None
