"""Streams of LiteLLM's proxy: read for rails, and written in the form in which they came."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from fastapi import HTTPException
from handrail import Chunk
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.utils import ModelResponseStream

from handrail_hosts._dialects import ChatDialect, Dialect
from handrail_hosts._sse import EventReader, event
from handrail_hosts._whole import FAILED

_OF_TEXT = ("content", "role")


class Form:
    """In which form the proxy hands over a stream: objects, or bytes."""

    def __init__(self, dialect: Dialect) -> None:
        self._reader = EventReader()
        self._dialect = dialect
        self._event: Callable[[dict[str, Any]], Any] = event
        self.raises = isinstance(dialect, ChatDialect)
        if isinstance(dialect, ChatDialect):
            self._event = _ChatWriter().write
        self._has_head = False
        self._kinds: dict[str, type[Any]] = {}

    def read(self, item: Any) -> Sequence[dict[str, Any]]:
        if isinstance(item, bytes | str):
            return [value for value in self._reader.feed(item) if isinstance(value, dict)]
        if isinstance(item, dict):
            return [item]
        self._has_head = True
        value = item.model_dump(warnings=False)
        if not isinstance(item, ModelResponseStream):
            value["type"] = str(getattr(item.type, "value", item.type))
            self._kinds[value["type"]] = type(item)
            self._event = self._typed
        return [value]

    async def chunks(self, response: Any) -> AsyncGenerator[Chunk, None]:
        """Yield a stream as rails see it."""
        try:
            async for item in response:
                if self._has_head and (text := _plain_text(item)) is not None:
                    yield Chunk(text)
                    continue
                for value in self.read(item):
                    for chunk in self._dialect.chunks(value):
                        yield chunk
            for rest in self._reader.finish():
                for chunk in self._dialect.chunks(rest) if isinstance(rest, dict) else ():
                    yield chunk
        finally:
            if (close := getattr(response, "aclose", None)) is not None:
                await close()

    def write(self, values: Sequence[dict[str, Any]]) -> list[Any]:
        return [self._event(value) for value in values]

    def _typed(self, value: dict[str, Any]) -> Any:
        from litellm.types.llms.openai import GenericEvent

        kind: type[Any] = self._kinds.get(value["type"]) or GenericEvent
        if "response" in value:
            value = {**value, "response": ResponsesAPIResponse(**value["response"])}
        return kind.model_construct(**value)


class _ChatWriter:
    """Makes the proxy's chunks; one with text and nothing else is a copy of the last, which costs a fifth."""

    def __init__(self) -> None:
        self._text: ModelResponseStream | None = None

    def write(self, value: dict[str, Any]) -> ModelResponseStream:
        if "error" in value:
            raise failed()
        delta = value["choices"][0]["delta"] if value["choices"] else {}
        if delta.keys() != {"content"}:
            return ModelResponseStream(**value)
        if self._text is None:
            self._text = ModelResponseStream(**value)
        choice = self._text.choices[0]
        said = choice.delta.model_copy(update={"content": delta["content"]})
        return self._text.model_copy(update={"choices": [choice.model_copy(update={"delta": said})]})


def _plain_text(item: Any) -> str | None:
    """Return the text of a chunk that has nothing else, as nearly all have."""
    if type(item) is not ModelResponseStream or len(item.choices) != 1:
        return None
    choice = item.choices[0]
    if choice.index != 0 or choice.finish_reason is not None or _has_usage(item):
        return None
    said = choice.delta.model_extra or {}
    for fields in (said, vars(choice.delta)):
        for name, value in fields.items():
            if value is not None and name not in _OF_TEXT:
                return None
    text = said.get("content")
    return text if isinstance(text, str) else None


def _has_usage(item: ModelResponseStream) -> bool:
    return bool(vars(item).get("usage") or (item.model_extra or {}).get("usage"))


def failed() -> HTTPException:
    """Return the error for an answer that cannot be delivered."""
    return HTTPException(500, {"error": FAILED, "code": "answer_withheld"})
