"""Files in messages: those that are text become text, which rails read, and so does the name of every file.

Whether a file is text is decided by its bytes, for a client can call them what it likes. Other files are passed on as
they are if they are of a kind that models read, such as PDF, and begin as documents of such a kind do; what is neither
is refused.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from mimetypes import guess_extension
from string import ascii_letters, digits
from typing import Any
from urllib.parse import unquote_to_bytes

from handrail.files import readable_text, text_of

from handrail_server._errors import ApiError

Part = Mapping[str, Any]

_DATA_URL = re.compile(r"data:([^,;]{0,128})((?:;[^,;]{0,128}){0,8}?)(;base64)?,", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f]*", re.IGNORECASE)
_CHARSET = re.compile(r";charset=[\w-]{1,32}", re.ASCII | re.IGNORECASE)
_LETTERS = (ascii_letters + digits + "+/").encode()
_ALPHABET = bytes.maketrans(b"-_", b"+/")
_KINDS = re.compile(
    r"application/(?:pdf|msword|epub\+zip|vnd\.(?:ms-|oasis\.|openxmlformats-)[\w.+-]+)|(?:audio|image|video)/[\w.+-]+",
    re.ASCII | re.IGNORECASE,
)
_ENDINGS = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|od[tsp]|epub|png|jpe?g|gif|webp|wav|mp3|m4a|ogg|flac|mp4|webm)$",
    re.ASCII | re.IGNORECASE,
)
_MEDIA = re.compile(
    r"(?:audio|image|video)/.*|.*\.(?:png|jpe?g|gif|webp|wav|mp3|m4a|ogg|flac|mp4|webm)", re.IGNORECASE | re.DOTALL
)
_DOCUMENT = re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0|.{0,1019}%PDF-", re.DOTALL)  # how documents begin
_LINE = 60  # characters at least, where base64 is in lines
_HEAD = 4096  # characters of base64 that tell text from what is not
_MOST_ESCAPED = 2**15  # characters in per cents, which take long to decode
_MOST_TEXT = 2**20  # bytes of a file of text, so that reading it keeps nobody waiting
_DATA = frozenset(("base64", "blob", "bytes", "data", "file_data"))
_UNTOLD = frozenset(("", "application/octet-stream", "binary/octet-stream"))


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        text: the text that it is; None if it is not text.
        media_type: what its sender says it is; empty if nothing is said.
        beginning: the first bytes of what is not text.
    """

    text: str | None
    media_type: str = ""
    beginning: bytes = b""


def as_text(name: str, text: str) -> Part:
    """Return a file as a text part, apart from the texts around it, with which rails read it."""
    return {"type": "text", "text": "\n".join(("", *((name,) if name else ()), text, ""))}


def readable_file(part: Part, place: str) -> Sequence[Part]:
    """Return the parts that stand for a file: a text part where it is text, else its name as text, and the file.

    Args:
        part: a part of the type `file`, whose fields are known.
        place: where it is.

    Raises:
        ApiError: the file is not text, and of no kind that models read.
    """
    file: Mapping[str, Any] = part.get("file") or {}
    name, given = file.get("filename") or "", file.get("file_data")
    beside = {key: value for key, value in part.items() if key not in ("type", "file")}
    unnamed = {key: value for key, value in file.items() if key != "filename"}
    if not given and not file.get("file_id"):
        raise _refused(place, "a file needs data or an id")
    if given is not None and not _ADDRESS.fullmatch(given):
        content = content_of(given)
        if content is None:
            raise _refused(place, "it is not valid base64")
        is_known = _is_known(content, name)
        if content.text is not None and not (is_known and content.text.startswith("%PDF-")):
            return [{**as_text(name, content.text), **beside}]
        if not is_known:
            raise _refused(place, "it can be read neither as text nor as PDF, pictures, sounds or an office's document")
        unnamed |= {"filename": _neutral(name, content.media_type)} if name else {}
    named = [as_text("", name)] if name else []
    return [*named, {"type": "file", "file": unnamed, **beside}]


def texts_in_files(value: object, name: str = "") -> Iterator[str]:
    """Yield the texts of all files in a JSON value, in whatever protocol: what is text in data URLs and in base64."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in_files(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from texts_in_files(item, name)
    elif isinstance(value, str) and (name in _DATA or _DATA_URL.match(value)):
        content = content_of(value)
        if content is None or content.text == value:
            return
        if content.text is not None:
            yield content.text
        elif text := readable_text(_bytes_of(value, content), content.media_type):
            yield text


def content_of(given: str) -> Content | None:
    """Return what a file holds that is given as a data URL, as base64, or as it is; None if its base64 is broken.

    Raises:
        ApiError: it is text, and longer than what is read at once.
    """
    if (head := _DATA_URL.match(given)) is None:
        packed = _base64(given)
        return _unpacked(packed, "") if packed is not None else Content(given)
    media_type, data = head[1].strip().lower(), given[head.end() :]
    if not head[3]:
        _bound(len(data), _MOST_ESCAPED)
        raw = unquote_to_bytes(data.encode(errors="replace"))
        return Content(text_of(raw), media_type, raw[:_HEAD])
    packed = _base64(data)
    return None if packed is None else _unpacked(packed, media_type)


def _bytes_of(given: str, content: Content) -> bytes:
    """Return what a file holds that is not text: all of it, or how it begins if it is a document or a medium.

    Raises:
        ApiError: it is longer than what is read at once.
    """
    if readable_text(content.beginning, content.media_type) is None:
        return content.beginning
    head = _DATA_URL.match(given)
    data = given[head.end() :] if head is not None else given
    if head is not None and not head[3]:
        return unquote_to_bytes(data.encode(errors="replace"))
    packed = _base64(data) or b""
    _bound(len(packed) * 3 // 4, _MOST_TEXT)
    return a2b_base64(packed)


def is_medium(url: str, *kinds: str) -> bool:
    """Return whether this is a data URL of a picture, sound or video in base64; a drawing in SVG is text."""
    head = _DATA_URL.match(url)
    if head is None or not head[3] or (head[2] and not _CHARSET.fullmatch(head[2])):
        return False
    kind, _, form = head[1].lower().partition("/")
    return kind in kinds and not form.startswith("svg") and _base64(url[head.end() :]) is not None


def _base64(text: str) -> bytes | None:
    """Return base64 in the usual alphabet, in one line and padded; None if this is not base64."""
    lines = text.splitlines() if "\n" in text else ()
    if len(lines) > 1 and (len(lines[0]) < _LINE or any(len(line) != len(lines[0]) for line in lines[1:-1])):
        return None  # words, each in a line
    packed = text.encode(errors="replace").translate(_ALPHABET, b"\r\n").rstrip(b"=")
    if len(packed) % 4 == 1 or packed.translate(None, _LETTERS):
        return None
    return packed + b"=" * (-len(packed) % 4)


def _unpacked(packed: bytes, media_type: str) -> Content:
    """Return what is in base64; of what is no text, only the beginning is decoded."""
    beginning = a2b_base64(packed[:_HEAD])
    if len(packed) > _HEAD and text_of(beginning, final=False) is None:
        return Content(None, media_type, beginning)
    _bound(len(packed) * 3 // 4, _MOST_TEXT)
    return Content(text_of(a2b_base64(packed)), media_type, beginning)


def _bound(length: int, most: int) -> None:
    if length > most:
        raise ApiError(413, f"A file of text is longer than {most} bytes, the limit here.", code="body_too_large")


def _is_known(content: Content, name: str) -> bool:
    """Return whether models read this kind of file; its name tells only what its type does not."""
    said, kinds = (name, _ENDINGS.search) if content.media_type in _UNTOLD else (content.media_type, _KINDS.fullmatch)
    if kinds(said) is None:
        return False
    return content.text is not None or bool(_MEDIA.fullmatch(said) or _DOCUMENT.match(content.beginning))


def _neutral(name: str, media_type: str) -> str:
    ending = _ENDINGS.search(name)
    return f"file{ending[0].lower() if ending else guess_extension(media_type) or ''}"


def _refused(place: str, why: str) -> ApiError:
    place = f"{place}.file.file_data"
    return ApiError(400, f"'{place}' cannot be passed on: {why}.", code="unsupported_field", param=place)
