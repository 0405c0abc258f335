"""Collects what an answer has beside text, reasoning and tool calls: its structure, and what may be text of the model.

What the model may have written is kept apart under `unguarded`, because no rail has seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail_http import clean, word_of

if TYPE_CHECKING:
    from handrail_openai._wire import Json

HEAD = ("id", "model", "created", "system_fingerprint", "service_tier", "provider")
REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
_READ = {
    "answer": frozenset((*HEAD, "choices", "object", "usage", "error", "obfuscation", "p")),
    "choice": frozenset(("index", "delta", "message", "text", "finish_reason", "usage")),
    "message": frozenset(("role", "content", "refusal", "tool_calls", "function_call", *REASONING)),
}
_HEADERS = ("x-ratelimit-", "ratelimit", "retry-after", "openai-processing-ms", "openai-version")
_LARGEST = 16 * 1024 * 1024
_TEXTS = ("text", "summary")


class Beside:
    """The `wire` of one answer's metadata.

    Args:
        headers: those of the HTTP answer.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        limits = {name.lower(): value for name, value in headers.items() if name.lower().startswith(_HEADERS)}
        self._wire: dict[str, Any] = {"headers": limits} if limits else {}
        self._unguarded: dict[str, dict[str, Any]] = {}
        self._lost: list[str] = []
        self._size = 0
        self._news = bool(limits)

    @property
    def id(self) -> str:
        """The answer's id, which becomes part of ids that the server leaves out."""
        return str(self._wire.get("id", "0"))

    def knows(self, name: str, value: object) -> bool:
        """Return whether a value of the head is no news."""
        return value is None or self._wire.get(name) == value

    def add(self, place: str, fields: Json, size: int) -> None:
        """Take what stands in one place of an event and is not read as text, reasoning or a tool call.

        Args:
            place: "answer", "choice" or "message".
            fields: all of the place.
            size: bytes of the event.
        """
        read = _READ[place]
        kept = self._unguarded.setdefault(place, {})
        for name, value in fields.items():
            if name in read and (isinstance(value, str) or name not in REASONING):
                continue
            if value is None or value in ([], {}, ""):
                continue
            if place != "message" and name != "logprobs":
                kept[name] = clean(value)  # each event repeats it
            elif self._fits(name, size):
                kept[name] = _joined(kept.get(name), clean(value), pieces=name == "audio")

    def head(self, event: Json) -> None:
        """Take what names the answer; what has been said stays unless it is said otherwise."""
        for name in HEAD:
            value = event.get(name)
            value = clean(value) if name == "created" and isinstance(value, int | float) else word_of(value)
            if value and self._wire.get(name) != value:
                self.put(name, value)

    def put(self, name: str, value: object) -> None:
        """Set a key of `wire`."""
        self._wire[name] = value
        self._news = True

    def lose(self, name: str) -> None:
        """Note that a field was not kept."""
        if name not in self._lost:
            self._lost.append(name)

    def _fits(self, name: str, size: int) -> bool:
        self._size += size
        if self._size > _LARGEST:
            self.lose(name)
        return self._size <= _LARGEST

    def news(self) -> dict[str, Any] | None:
        """Return all structure so far, if anything of it is new."""
        if not self._news:
            return None
        self._news = False
        return dict(self._wire)

    def next_turn(self, fields: dict[str, Any]) -> None:
        """Keep what the model needs beside its tool calls on the next turn, and what is text all the same."""
        self._unguarded["next_turn"] = fields

    def everything(self) -> dict[str, Any] | None:
        """Return all there is, at the end of the answer; None if it was returned already."""
        if unguarded := {place: fields for place, fields in self._unguarded.items() if fields}:
            self._unguarded = {}
            self.put("unguarded", unguarded)
        if self._lost:
            self.put("lost", list(self._lost))
            self._lost.clear()
        return self.news()


def details_text(details: object) -> str:
    """Return the text of OpenRouter's `reasoning_details`, for servers that send it there and nowhere else."""
    if not isinstance(details, list):
        return ""
    parts = (part.get(key) for part in details if isinstance(part, Mapping) for key in _TEXTS)
    return "".join(part for part in parts if isinstance(part, str))


def _joined(known: Any, value: Any, *, pieces: bool) -> Any:
    """Return what there is of one field after one more delta.

    Args:
        known: what there was.
        value: what has come.
        pieces: texts within objects come in pieces.
    """
    if known is None or known == value:
        return value
    if isinstance(known, list) and isinstance(value, list):
        return _with_items(known, value)
    if isinstance(known, dict) and isinstance(value, dict):
        inner = {key: _joined_inside(known.get(key), item, pieces=pieces) for key, item in value.items()}
        return {**known, **inner}
    return known + value if isinstance(known, str) and isinstance(value, str) else value


def _joined_inside(known: Any, value: Any, *, pieces: bool) -> Any:
    return value if isinstance(value, str) and not pieces else _joined(known, value, pieces=pieces)


def _with_items(known: list[Any], items: list[Any]) -> list[Any]:
    """Add items in place; a piece of text of the item before it, as OpenRouter streams reasoning, is added to that."""
    for item in items:
        last = known[-1] if known else None
        if isinstance(last, dict) and isinstance(item, dict) and _continues(last, item):
            for key, value in item.items():
                last[key] = (
                    last[key] + value if key in _TEXTS and isinstance(last.get(key), str) else value or last[key]
                )
        else:
            known.append(item)
    return known


def _continues(last: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    same = all(last.get(key) == item.get(key) for key in ("type", "index"))
    return same and item.get("type") in ("reasoning.text", "reasoning.summary")
