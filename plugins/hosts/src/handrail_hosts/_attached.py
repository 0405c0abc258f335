"""Data beside the texts of a request. Its bytes decide what of it is text, for a client can call it what it likes."""

from __future__ import annotations

import re
from base64 import b64decode
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_TEXTUAL = re.compile(r"(text/.*|application/(\S+\+)?(json|xml|yaml|x-yaml|toml|javascript|csv|x-ndjson)\b.*)")
_DATA = re.compile(r"\s*data:", re.IGNORECASE)
_DATA_URL = re.compile(r"\s*data:([\x21-\x2b\x2d-\x7e]*),", re.IGNORECASE)
_MARKS = ((BOM_UTF32_LE, "utf-32"), (BOM_UTF32_BE, "utf-32"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"))
_USUAL = str.maketrans("-_", "+/", "\t\r\n")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # what no text has
_MEDIUM = re.compile(r"(audio|image|video)/.*")
_BEGINNING = re.compile(  # of documents, pictures, sounds and videos
    rb"PK\x03\x04|\xd0\xcf\x11\xe0|.{0,1019}%PDF-|\x89PNG\r\n|\xff\xd8\xff|GIF8|RIFF|OggS|fLaC|ID3|\xff[\xe2-\xfb]|.{4}ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)


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
    packed = data.translate(_USUAL).rstrip("=")
    try:
        raw = b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        yield data
    else:
        yield from text_of_bytes(raw, media_type)


def text_of_bytes(raw: bytes, media_type: str) -> Iterator[str]:
    """Yield bytes as text if they are one, are said to be one, or begin as nothing else that models read.

    So a byte that no text has makes no text unread.
    """
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8-sig")
    media_type = media_type.lower()
    try:
        text = raw.decode(encoding)
        is_text = not _CONTROL.search(text)
    except UnicodeDecodeError:
        text, is_text = raw.decode(encoding, "replace"), False
    is_known = _MEDIUM.fullmatch(media_type) or _BEGINNING.match(raw)
    if text and (is_text or not is_known or _TEXTUAL.fullmatch(media_type)):
        yield text if is_text else _CONTROL.sub("", text)
