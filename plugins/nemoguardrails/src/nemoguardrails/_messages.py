"""What users say and bots answer where a configuration has it in YAML, as definitions in Colang."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"user_messages": "user", "bot_messages": "bot"}
KEYS = tuple(_KINDS)


def as_colang(values: object) -> str:
    """Return the messages of one configuration; empty if it has none, or none that can be read."""
    if not isinstance(values, Mapping):
        return ""
    return "\n".join(definition for key, kind in _KINDS.items() for definition in _definitions(kind, values.get(key)))


def of_text(text: str) -> str:
    """Return the messages of a YAML text. What is wrong with the text is told by whoever reads all of it."""
    try:
        return as_colang(yaml.safe_load(text))
    except yaml.YAMLError:
        return ""


def of_files(files: tuple[Path, ...]) -> str:
    """Return the messages of YAML files that have been read before."""
    return "\n".join(filter(None, (of_text(file.read_text("utf-8")) for file in files)))


def _definitions(kind: str, messages: object) -> Iterator[str]:
    for phrase, texts in messages.items() if isinstance(messages, Mapping) else ():
        given = [texts] if isinstance(texts, str) else list(texts or ())
        lines = "".join(f"  {json.dumps(str(text), ensure_ascii=False)}\n" for text in given)
        if lines:
            yield f"define {kind} {phrase}\n{lines}"
