"""Streams of LiteLLM's proxy: read for rails, and written in the form in which they came."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from fastapi import HTTPException
from handrail import Chunk, Event
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.utils import ModelResponseStream

from handrail_hosts._dialects import ChatDialect, Dialect
from handrail_hosts._litellm_texts import Texts
from handrail_hosts._sse import EventReader, event
from handrail_hosts._whole import told_of


class Form:
    """In which form the proxy hands over a stream: objects, or bytes."""

    def __init__(self, dialect: Dialect) -> None:
        self._reader = EventReader()
        self._dialect = dialect
        self._event: Callable[[dict[str, Any]], Any] = event
        self._texts = Texts()
        self.raises = isinstance(dialect, ChatDialect)
        if isinstance(dialect, ChatDialect):
            self._event = self._chunk
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
                if self._has_head and (text := self._texts.read(item)) is not None:
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

    def write(self, item: str | Event) -> list[Any]:
        """Return what the proxy passes on of what was released."""
        if type(item) is str and (chunk := self._texts.take(item)) is not None:
            return [chunk]
        return self.written(self._dialect.write((item,)))

    def written(self, values: Sequence[dict[str, Any]]) -> list[Any]:
        """Return values of the dialect in the proxy's form."""
        return [self._event(value) for value in values]

    def _chunk(self, value: dict[str, Any]) -> ModelResponseStream:
        if "error" in value:
            raise failed()
        return self._texts.write(value)

    def _typed(self, value: dict[str, Any]) -> Any:
        from litellm.types.llms.openai import GenericEvent

        kind: type[Any] = self._kinds.get(value["type"]) or GenericEvent
        if "response" in value:
            value = {**value, "response": ResponsesAPIResponse(**value["response"])}
        return kind.model_construct(**value)


def failed() -> HTTPException:
    """Return the error for an answer that cannot be delivered."""
    return HTTPException(500, {"error": told_of(), "code": "answer_withheld"})
