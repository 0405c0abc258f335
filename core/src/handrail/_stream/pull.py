"""Drives a stream that needs no task: each item that the consumer asks for is read from the provider then and there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from handrail._stream.pipeline import Pipeline
from handrail._stream.source import close_source, not_a_chunk
from handrail._types import Chunk

if TYPE_CHECKING:
    from handrail._stream.pipeline import OnClose, OpenSource
    from handrail._stream.plan import RailPlan
    from handrail._stream.render import Renderer
    from handrail._stream.sinks import Item
    from handrail._turn import Turn


class Pull:
    """A stream without output rails, or with stream rails only: no task, no queue."""

    def __init__(
        self,
        rails: Sequence[RailPlan],
        turn: Turn,
        open_source: OpenSource,
        *,
        provider: str,
        parallel: bool = False,
        on_close: OnClose | None = None,
    ) -> None:
        self._items: list[Item] = []
        self.pipeline = Pipeline(rails, turn, self._items.append, parallel=parallel)
        self._open_source = open_source
        self._provider = provider
        self._on_close = on_close

    async def stream(self, renderer: Renderer) -> AsyncGenerator[Any, None]:
        """Yield what the renderer makes of each item.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
        """
        pipeline, items, read_rest = self.pipeline, self._items, self.pipeline.read_rest
        plain, render, remember = renderer.plain_text, renderer.render, self.pipeline.raw.append
        feed = None if plain and not pipeline.guards("text") else pipeline.text_chain().feed
        source: AsyncIterator[Chunk] | None = None
        error: Exception | None = None
        try:
            source = await self._open_source(pipeline)
            async for chunk in source or _nothing():
                if not isinstance(chunk, Chunk):
                    raise not_a_chunk(chunk, self._provider)
                if text := chunk.text:
                    remember(text)
                    if feed is None:
                        yield text
                    else:
                        feed(text)
                if (
                    chunk.reasoning
                    or chunk.tool_calls
                    or chunk.usage is not None
                    or chunk.finish_reason is not None
                    or chunk.metadata is not None
                ):
                    read_rest(chunk)
                for item in items:
                    if plain and type(item) is str:
                        yield item
                    elif (rendered := render(item)) is not None:
                        yield rendered
                items.clear()
                if pipeline.ended:
                    break
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: raised below, after what was read
            error = exc
        finally:
            await self._close(source)
        for rendered in self._last_items(renderer, error):
            yield rendered

    async def _close(self, source: AsyncIterator[Chunk] | None) -> None:
        if source is not None:
            await close_source(source, self._provider)
        if self._on_close is not None:
            self._on_close(self.pipeline)

    def _last_items(self, renderer: Renderer, error: Exception | None) -> Iterator[Any]:
        if not self.pipeline.ended:
            self.pipeline.finish(error)
        plain = renderer.plain_text
        rendered = [item if plain and type(item) is str else renderer.render(item) for item in self._items]
        if error is not None and self.pipeline.stop is None:
            rendered.append(renderer.render_error(error))
            if rendered[-1] is None:
                yield from (item for item in rendered if item is not None)
                raise error
        yield from (item for item in rendered if item is not None)


async def _nothing() -> AsyncGenerator[Chunk, None]:
    return
    yield  # pragma: no cover  # makes this a generator
