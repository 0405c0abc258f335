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
        if self._has_head and (text := _plain_text(item)) is not None:
            return [{"choices": [{"delta": {"content": text}}]}]
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
    if type(item) is not ModelResponseStream or len(item.choices) != 1 or getattr(item, "usage", None) is not None:
        return None
    choice = item.choices[0]
    fields = {**vars(choice.delta), **(choice.delta.model_extra or {})}
    is_plain = choice.index == 0 and choice.finish_reason is None
    is_plain = is_plain and all(value is None or name in ("content", "role") for name, value in fields.items())
    return fields.get("content") if is_plain else None


def failed() -> HTTPException:
    """Return the error for an answer that cannot be delivered."""
    return HTTPException(500, {"error": FAILED, "code": "answer_withheld"})
