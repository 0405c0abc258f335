"""What a file in a request says. Its bytes decide whether it is text, for its sender can call it what it likes."""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE, getincrementaldecoder

from handrail.errors import InvalidArgumentError

__all__ = ["readable_text", "text_of"]

_MARKS = ((BOM_UTF32_LE, "utf-32"), (BOM_UTF32_BE, "utf-32"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"))
_CONTROL = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1b"))  # what no text has
_TEXTUAL = re.compile(r"(text/.*|application/(\S+\+)?(json|xml|yaml|x-yaml|toml|javascript|csv|x-ndjson)\b.*)")
_MEDIUM = re.compile(r"(audio|image|video)/")
_BEGINNING = re.compile(  # of documents, pictures, sounds and videos
    rb"PK\x03\x04|\xd0\xcf\x11\xe0|.{0,1019}%PDF-"
    rb"|\x89PNG\r\n|\xff\xd8\xff|GIF8|RIFF|OggS|fLaC|ID3|\xff[\xe2-\xfb]|.{4}ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)


def text_of(raw: bytes, *, final: bool = True) -> str | None:
    """Return bytes as text: UTF-8, or UTF-16 or UTF-32 with a byte order mark; None if they are not text.

    Args:
        raw: the bytes.
        final: False if they are the beginning of more, which may end inside a character.
    """
    InvalidArgumentError.unless(isinstance(raw, bytes | bytearray), "raw", raw, "bytes")
    encoding = _encoding(raw)
    try:
        text = getincrementaldecoder(encoding)().decode(raw, final)
    except UnicodeDecodeError:
        return None
    said = raw if encoding == "utf-8-sig" else text.encode(errors="replace")
    return text if len(said.translate(None, _CONTROL)) == len(said) else None


def readable_text(raw: bytes, media_type: str = "") -> str | None:
    """Return what rails have to read of a file; None if it is a document, a picture, a sound or a video.

    A few bytes that no text has do not make a text unreadable: what begins as no such file is read without them.

    Args:
        raw: all of its bytes.
        media_type: what its sender says it is, such as "image/png"; empty if nothing is said.
    """
    text = text_of(raw)
    if text is not None:
        return text
    media_type = media_type.lower()
    is_known = _MEDIUM.match(media_type) or _BEGINNING.match(raw)
    if is_known and not _TEXTUAL.fullmatch(media_type):
        return None
    text = raw.decode(_encoding(raw), "replace")
    return text.encode(errors="replace").translate(None, _CONTROL).decode()


def _encoding(raw: bytes) -> str:
    return next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8-sig")
