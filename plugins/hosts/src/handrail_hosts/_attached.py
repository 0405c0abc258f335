"""Data beside the texts of a request. Its bytes decide what of it is text, for a client can call it what it likes."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from handrail.files import readable_text, text_of

_DATA = re.compile(r"\s*data:", re.IGNORECASE)
_DATA_URL = re.compile(r"\s*data:([\x21-\x2b\x2d-\x7e]*),", re.IGNORECASE)
_USUAL = str.maketrans("-_", "+/", "\t\r\n")


def is_data_url(value: str) -> bool:
    """Return whether a text is a data URL, also where some readers would not take it for one."""
    return _DATA.match(value) is not None


def texts_of_data_url(url: str) -> Iterator[str]:
    """Yield what a data URL says: the text in it, and the URL itself where it is broken."""
    head = _DATA_URL.match(url)
    if head is None:
        yield url
        return
    media_type, *parameters = head[1].lower().split(";")
    data = url[head.end() :]
    if "base64" in parameters:
        yield from texts_of_base64(data, media_type)
    if parameters[-1:] != ["base64"]:  # then some readers decode it, and others do not
        yield from text_of_bytes(unquote_to_bytes(data), media_type or "text/plain")


def texts_of_base64(data: str, media_type: str = "") -> Iterator[str]:
    """Yield the text in base64 of either alphabet; the data as they are where they are not base64."""
    raw = _unpacked(data)
    if raw is None:
        yield data
    else:
        yield from text_of_bytes(raw, media_type)


def texts_of_word(word: str) -> Iterator[str]:
    """Yield a text that may be a word or data in base64: as it is, and the text in it."""
    yield word
    if text := text_of(_unpacked(word) or b""):
        yield text


def text_of_bytes(raw: bytes, media_type: str) -> Iterator[str]:
    """Yield what rails have to read of a file."""
    if text := readable_text(raw, media_type):
        yield text


def _unpacked(data: str) -> bytes | None:
    packed = data.translate(_USUAL).rstrip("=")
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        return None
