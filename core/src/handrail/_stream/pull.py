"""Drives a stream that needs no task: each item that the consumer asks for is read from the provider then and there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
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
        pipeline, items = self.pipeline, self._items
        error: Exception | None = None
        try:
            source = await self._open_source(pipeline)
            if source is not None:
                plain, render, read = renderer.plain_text, renderer.render, pipeline.read
                try:
                    async for chunk in source:
                        if not isinstance(chunk, Chunk):
                            raise not_a_chunk(chunk, self._provider)
                        read(chunk)
                        for item in items:
                            if plain and type(item) is str:
                                yield item
                            elif (rendered := render(item)) is not None:
                                yield rendered
                        items.clear()
                        if pipeline.ended:
                            break
                finally:
                    await close_source(source, self._provider)
                    if self._on_close is not None:
                        self._on_close(pipeline)
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: raised below, after what was read
            error = exc
        if not pipeline.ended:
            pipeline.finish(error)
        for item in items:
            if (rendered := renderer.render(item)) is not None:
                yield rendered
        if error is not None and pipeline.stop is None:
            rendered = renderer.render_error(error)
            if rendered is None:
                raise error
            yield rendered
