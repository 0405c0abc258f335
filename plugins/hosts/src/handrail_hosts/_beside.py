"""What a request says beside the texts that rails read: names, titles, documents, and fields nobody knows.

A model's server may show any of it to the model, so it is judged with the message it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from handrail_hosts._attached import is_data_url, text_of_bytes, texts_of_base64, texts_of_data_url, texts_of_word

_WORDS = frozenset(
    {"role", "type", "id", "call_id", "tool_call_id", "tool_use_id", "item_id", "server_label", "status", "format",
     "media_type", "mime_type", "detail", "ttl", "phase", "encrypted_content", "signature"}
)  # fmt: skip
"""Fields with a word of the protocol, or an id. With a space in it, it is a text."""
_ADDRESSES = frozenset({"url", "image_url", "file_url", "file_id", "file_data"})
_DATA = frozenset({"data", "base64", "bytes", "blob"})
_KINDS = frozenset({"media_type", "mime_type", "mimeType"})
_FILES = frozenset({"base64", "file", "image", "audio", "video", "media"})
FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
"""Fields by which a client tells a proxy whom to ask after a failure, and with which other messages."""

_WORD = re.compile(r"[\x21-\x7e]{0,512}")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_ADDRESS = re.compile(r"[\x21-\x7e]*")


def texts_within(value: object, name: str = "", *, read: Collection[str] = ()) -> Iterator[str]:
    """Yield the texts of a JSON value, those in data included, without words of the protocol and addresses.

    Args:
        value: the value.
        name: the field in which it is.
        read: fields of it that rails read anyway.
    """
    if isinstance(value, str):
        yield from _within_text(value, name)
    elif isinstance(value, bytes):
        yield from text_of_bytes(value, "")
    elif isinstance(value, Mapping):
        for inner, one in value.items():
            if inner in _DATA and isinstance(one, str) and not is_data_url(one):
                yield from _within_data(one, value)
            elif inner not in read:
                yield from texts_within(one, inner)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_within(one, name)


def _within_text(text: str, name: str) -> Iterator[str]:
    if is_data_url(text):
        yield from texts_of_data_url(text)
    elif name == "file_data" and not _WEB.match(text):
        yield from texts_of_base64(text)
    else:
        known = _WORD if name in _WORDS else _ADDRESS if name in _ADDRESSES else None
        if text and (known is None or not known.fullmatch(text)):
            yield text


def _within_data(data: str, file: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a value's data say, which may be written as they are where it is a text or nobody says."""
    kind = _kind(file)
    if not _is_file(file):
        yield from texts_of_word(data)
        return
    yield from texts_of_base64(data, kind)
    if file.get("type") == "text" or kind.startswith("text/"):
        yield data


def beside_content(content: object) -> Iterator[str]:
    """Yield what parts say beside the text of each."""
    for part in content if isinstance(content, list | tuple) else ():
        is_read = isinstance(part, Mapping) and isinstance(part.get("text"), str)
        yield from texts_within(part, read=("text",) if is_read else ())


def beside_message(message: Mapping[str, Any], called: Collection[str] = ()) -> Iterator[str]:
    """Yield what a message in OpenAI's form says beside its content.

    Args:
        message: the message.
        called: the functions that were called before; a tool's result may name one of them.
    """
    repeats = message.get("role") == "tool" and message.get("name") in tuple(called)
    yield from texts_within(message, read=("role", "content", *(("name",) if repeats else ())))
    yield from beside_content(message.get("content"))


def called_in(messages: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the names of the functions that messages call."""
    calls = [call for message in messages for call in message.get("tool_calls") or () if isinstance(call, Mapping)]
    functions = [call.get("function") for call in calls]
    names = [function.get("name") for function in functions if isinstance(function, Mapping)]
    return frozenset(name for name in names if isinstance(name, str))


def _is_file(value: Mapping[str, Any]) -> bool:
    """Return whether a value is a file, whose data are nothing but data."""
    return value.get("type") in _FILES or "format" in value or not _KINDS.isdisjoint(value)


def _kind(value: Mapping[str, Any]) -> str:
    kind = next((value[name] for name in _KINDS if name in value), None)
    return kind if isinstance(kind, str) else f"audio/{value['format']}" if "format" in value else ""
