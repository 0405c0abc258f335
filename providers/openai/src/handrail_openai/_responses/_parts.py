"""The content of a message in the form of Chat Completions, as parts of an input item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail_http import BadParameterError

_OWN = frozenset(("input_text", "input_image", "input_file"))
_TEXTS = frozenset(("text", "input_text", "output_text", None))
_FILE = ("file_id", "filename", "file_data", "file_url", "detail")


def input_of(content: object, place: str) -> str | list[dict[str, Any]]:
    """Return a content that the model is given, as a text or as parts.

    Raises:
        BadParameterError: a part cannot be sent.
    """
    if content is None or isinstance(content, str):
        return content or ""
    return [_part(part, f"{place}, part {number}") for number, part in enumerate(_list(content, place), 1)]


def output_of(content: object, place: str) -> list[dict[str, Any]]:
    """Return a content that the model has written, as parts; empty text is none.

    Raises:
        BadParameterError: a part is neither text nor a refusal.
    """
    if content is None or isinstance(content, str):
        return [{"type": "output_text", "text": content}] if content else []
    found = []
    for number, part in enumerate(_list(content, place), 1):
        kind, text, refusal = _said(part)
        if kind in _TEXTS and isinstance(text, str):
            found += [{"type": "output_text", "text": text}] if text else []
        elif kind == "refusal" and isinstance(refusal, str):
            found.append({"type": "refusal", "refusal": refusal})
        elif kind not in ("thinking", "reasoning"):  # thoughts of another protocol, which only that wants back
            raise _refused(f"{place}, part {number}", kind, "text and refusals")
    return found


def _part(part: object, place: str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "input_text", "text": part}
    if not isinstance(part, Mapping):
        raise BadParameterError(f"{place}: a {type(part).__name__} is not a part of a message")
    kind = part.get("type")
    if kind in _OWN:
        return dict(part)
    if kind in ("text", "output_text", None) and isinstance(part.get("text"), str):
        return {"type": "input_text", "text": part["text"]}
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return {"type": "input_text", "text": part["refusal"]}
    if kind == "image_url":
        return _image(part.get("image_url"), place)
    if kind == "file" and isinstance(file := part.get("file"), Mapping):
        return {"type": "input_file", **{name: file[name] for name in _FILE if file.get(name) is not None}}
    raise _refused(place, kind, "text, images and files")


def _image(image: object, place: str) -> dict[str, Any]:
    url = image.get("url") if isinstance(image, Mapping) else image
    if not isinstance(url, str) or not url:
        raise BadParameterError(f"{place}: the image has no 'url'")
    detail = image.get("detail") if isinstance(image, Mapping) else None
    return {"type": "input_image", "image_url": url, "detail": detail or "auto"}


def _list(content: object, place: str) -> list[object]:
    if not isinstance(content, list | tuple):
        raise BadParameterError(
            f"{place}: the content is a {type(content).__name__}; it must be text or a list of parts"
        )
    return list(content)


def _said(part: object) -> tuple[object, object, object]:
    if isinstance(part, str):
        return "text", part, None
    if not isinstance(part, Mapping):
        return type(part).__name__, None, None
    return part.get("type"), part.get("text"), part.get("refusal")


def _refused(place: str, kind: object, instead: str) -> BadParameterError:
    what = repr(kind) if isinstance(kind, str) and len(kind) < 40 else "this part"
    return BadParameterError(f"{place}: {what} cannot be sent to the Responses API, which takes {instead} here")
