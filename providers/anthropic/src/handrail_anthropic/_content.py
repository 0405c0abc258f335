"""The content of a message in OpenAI's form, as blocks of the Messages API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handrail_http import BadParameterError

_DATA_URL = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(?P<data>.*)", re.DOTALL)
_OWN_BLOCKS = frozenset(
    {"image", "document", "tool_use", "tool_result", "search_result", "thinking", "redacted_thinking"}
    | {"server_tool_use", "web_search_tool_result", "container_upload", "tool_reference"}
)
"""Blocks that are the protocol's own already."""


def blocks_of(content: object, place: str) -> list[dict[str, Any]]:
    """Return the blocks of a content; empty text, which the API refuses, is none.

    Raises:
        BadParameterError: a part cannot be translated.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list | tuple):
        raise BadParameterError(
            f"{place}: the content is a {type(content).__name__}; it must be text or a list of parts"
        )
    return [block for number, part in enumerate(content, 1) for block in _block(part, f"{place}, part {number}")]


def with_cache_control(blocks: list[dict[str, Any]], source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks with the message's own `cache_control`, which the API has on blocks, on the last of them."""
    if blocks and (control := source.get("cache_control")):
        return [*blocks[:-1], {"cache_control": control, **blocks[-1]}]
    return blocks


def _block(part: object, place: str) -> list[dict[str, Any]]:
    if isinstance(part, str):
        return [{"type": "text", "text": part}] if part else []
    if not isinstance(part, Mapping):
        raise BadParameterError(f"{place}: a {type(part).__name__} is not a part of a message")
    kind = part.get("type")
    if kind in _OWN_BLOCKS:
        return [dict(part)]
    if kind in {"text", "input_text", "output_text", "refusal", None}:
        text = part.get("text") or part.get("refusal") or ""
        block = {name: part[name] for name in ("cache_control", "citations") if part.get(name)}
        return [{"type": "text", "text": text, **block}] if text else []
    if kind in {"image_url", "input_image"}:
        block = {"type": "image", "source": _source(part.get("image_url"), place)}
    elif kind in {"file", "input_file"}:
        block = _document(part, place)
    else:
        raise BadParameterError(f"{place}: {kind!r} cannot be sent to the Messages API; send text, images or documents")
    return with_cache_control([block], part)


def _source(image: object, place: str) -> dict[str, Any]:
    """Return where an image is from: its data, or its address."""
    url = image.get("url") if isinstance(image, Mapping) else image
    if not isinstance(url, str) or not url:
        raise BadParameterError(f"{place}: the image has no 'url'")
    if (match := _DATA_URL.fullmatch(url)) is not None:
        return {"type": "base64", "media_type": match["kind"].lower(), "data": match["data"]}
    if url.startswith("data:"):
        raise BadParameterError(f"{place}: the image's data URL is not base64; write 'data:image/png;base64,...'")
    return {"type": "url", "url": url}


def _document(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    nested = part.get("file")
    file = nested if isinstance(nested, Mapping) else part
    title = {"title": file["filename"]} if file.get("filename") else {}
    if isinstance(content := file.get("file_data"), str):
        match = _DATA_URL.fullmatch(content)
        kind, data = (match["kind"].lower(), match["data"]) if match else ("application/pdf", content)
        source = {"type": "base64", "media_type": kind, "data": data}
    elif isinstance(url := file.get("file_url"), str):
        source = {"type": "url", "url": url}
    elif isinstance(file_id := file.get("file_id"), str):
        source = {"type": "file", "file_id": file_id}
    else:
        raise BadParameterError(f"{place}: the file has no 'file_data', 'file_url' or 'file_id'")
    return {"type": "document", "source": source, **title}
