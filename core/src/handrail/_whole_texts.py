"""Guarding texts that are whole before a rail sees them: a user's message, an answer that nobody waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from handrail._stream.batch import Batch
from handrail._stream.pull import Pull
from handrail._stream.pump import Pump
from handrail._stream.render import AsItems
from handrail._stream.source import single
from handrail._types import Chunk, ToolCallDelta

if TYPE_CHECKING:
    from handrail._events import Blocked, RailFailed
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.plan import RailPlan
    from handrail._stream.sinks import Item
    from handrail._turn import Turn

Driver: TypeAlias = Pump | Pull | Batch


async def guard_text(
    rails: Sequence[RailPlan], text: str, turn: Turn, *, parallel: bool, tool_calls: tuple[ToolCallDelta, ...] = ()
) -> tuple[str, Blocked | RailFailed | None]:
    """Run rails over a message that is whole; give its text as they let it through, and what stopped it.

    Args:
        rails: planned for a whole text.
        text: the message.
        turn: what they are told of the call.
        parallel: whether neighbouring window rails run at once.
        tool_calls: what stands beside the text.
    """

    async def open_source(pipeline: Pipeline) -> AsyncIterator[Chunk]:  # noqa: ARG001
        return single(Chunk(text, tool_calls=tool_calls))

    driver: Driver
    if all(rail.is_stream_rail for rail in rails):
        driver = Pull(rails, turn, open_source, provider="text")
    else:
        driver = Batch(rails, turn, open_source, provider="text", parallel=parallel)
    items = await run_to_end(driver)
    return "".join(item for item in items if isinstance(item, str)), driver.pipeline.stop


async def run_to_end(driver: Driver) -> list[Item]:
    """Run a stream to its end, for a caller who wants nothing before.

    Raises:
        Exception: what broke the generation.
    """
    if isinstance(driver, Pull):
        return [item async for item in driver.stream(AsItems())]
    if isinstance(driver, Batch):
        return await driver.run()
    await driver.run()
    items: list[Item] = []
    while taken := await driver.take_all():
        items += taken
    return items
