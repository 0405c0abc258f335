"""Takes content apart that some servers send in parts: text, thoughts, refusals, and what no rail can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handrail_http import NotAnEventError, text_of

if TYPE_CHECKING:
    from handrail_openai._wire import Json


@dataclass(slots=True)
class Parts:
    """What a content says.

    Attributes:
        others: parts that are none of these, such as images and references.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    others: list[Json] = field(default_factory=list)


def parts_of(content: object) -> Parts:
    """Return what a content says.

    Raises:
        NotAnEventError: it is of a type that no content has.
    """
    if not isinstance(content, list):
        return Parts(text_of(content, "a content"))
    found = Parts()
    for part in content:
        if isinstance(part, str):
            found.text += part
        elif isinstance(part, Mapping):
            _take(part, found)
        elif part is not None:
            raise NotAnEventError(f"a part of a content is of type {type(part).__name__}")
    return found


def _take(part: Json, found: Parts) -> None:
    kind = part.get("type")
    if kind == "refusal":
        found.refusal += text_of(part.get("refusal"), "a refusal")
    elif thinking := part.get("thinking"):
        inner = parts_of(thinking)
        found.reasoning += inner.text + inner.reasoning
    elif isinstance(part.get("text"), str) and kind in (None, "text", "output_text"):
        found.text += part["text"]
    else:
        found.others.append(part)
