"""The chunks of LiteLLM's proxy that have a text and nothing else, as nearly all have."""

from __future__ import annotations

from typing import Any, TypeAlias

from litellm.types.utils import ModelResponseStream

_Beside: TypeAlias = tuple[Any, ...]

_OF_TEXT = ("content", "role")


class Texts:
    """Reads them, and writes them.

    One whose text is released as it came is passed on itself, if it is what would be written: to copy another costs ten
    times as much, and to validate one seventy times.
    """

    def __init__(self) -> None:
        self._template: ModelResponseStream | None = None
        self._written: _Beside | None = None  # what chunks have beside the text, that are written
        self._read: _Beside | None = None  # and the last that was read
        self._last: tuple[str, ModelResponseStream] | None = None

    def read(self, item: Any) -> str | None:
        """Return the text of a chunk; None if it has anything else."""
        beside = _beside(item)
        if beside is None or (beside != self._read and not _is_plain(item)):
            return None
        self._read = beside
        text = (item.choices[0].delta.model_extra or {}).get("content")
        if type(text) is not str:
            return None
        self._last = text, item
        return text

    def take(self, text: str) -> ModelResponseStream | None:
        """Return the chunk that was read last, once, if it has this text and is what would be written."""
        last, self._last = self._last, None
        return last[1] if last is not None and last[0] == text and self._read == self._written else None

    def write(self, value: dict[str, Any]) -> ModelResponseStream:
        """Return a chunk; one with a text and nothing else is a copy of the one before."""
        delta = value["choices"][0]["delta"] if value["choices"] else {}
        if delta.keys() != {"content"}:
            return ModelResponseStream(**value)
        if self._template is None:
            self._template = ModelResponseStream(**value)
            self._written = _beside(self._template)
        choice = self._template.choices[0]
        said = choice.delta.model_copy(update={"content": delta["content"]})
        return self._template.model_copy(update={"choices": [choice.model_copy(update={"delta": said})]})


def _beside(item: Any) -> _Beside | None:
    """Return all that a chunk of one choice has beside its text; None for anything else."""
    if type(item) is not ModelResponseStream or len(item.choices) != 1:
        return None
    choice = item.choices[0]
    delta = choice.delta
    return (
        {**vars(item), "choices": None},
        {**(item.model_extra or {})},
        {**vars(choice), "delta": None},
        {**(choice.model_extra or {}), "delta": None},
        {**vars(delta)},
        {**(delta.model_extra or {}), "content": None},
    )


def _is_plain(item: ModelResponseStream) -> bool:
    """Return whether a chunk of one choice has no more than a text, of what rails and clients have to know."""
    choice = item.choices[0]
    if choice.index != 0 or choice.finish_reason is not None or _has_usage(item):
        return False
    fields = {**(choice.delta.model_extra or {}), **vars(choice.delta)}
    return all(value is None or name in _OF_TEXT for name, value in fields.items())


def _has_usage(item: ModelResponseStream) -> bool:
    return bool(vars(item).get("usage") or (item.model_extra or {}).get("usage"))
