"""One call: the turn, the rails of its input, the provider's stream, and the journal of what happened."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from handrail._events import Blocked, RailFailed
from handrail._messages import Conversation
from handrail._stream.pull import Pull
from handrail._stream.pump import Pump
from handrail._stream.render import AsEvents
from handrail._stream.source import chunks_of_texts, single
from handrail._stream.whole import Whole
from handrail._turn import Journal, Turn
from handrail._types import Chunk, Message
from handrail.errors import ConfigurationError

if TYPE_CHECKING:
    from handrail._compose import Composition
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.plan import RailPlan
    from handrail._stream.sinks import Item
    from handrail._turn import LLMCall

Driver: TypeAlias = Pump | Pull

REFUSAL = "I'm sorry, I can't respond to that."
_UNBOUNDED = 2**62


class Call:
    """Everything that one request needs; nothing in it is shared with another.

    Args:
        app: the composed configuration.
        conversation: what the caller passed.
        params: parameters for the model, over the configured ones.
        whole: True if output rails see the whole answer at once, because nobody waits for its beginning.
        generator: texts to guard in place of a model's; then no input rails run.
    """

    def __init__(
        self,
        app: Composition,
        conversation: Conversation,
        *,
        params: Mapping[str, Any] | None = None,
        whole: bool = False,
        generator: AsyncIterable[str] | None = None,
    ) -> None:
        self._app = app
        self._conversation = conversation
        self._params = dict(params or {})
        self._generator = generator
        self._llm_call: LLMCall | None = None
        self._generation_started = 0.0
        self.journal = Journal()
        self.turn = self._turn(conversation)
        self.driver = self._driver(app.output_rails, whole=whole)

    def _turn(self, conversation: Conversation) -> Turn:
        return Turn(
            messages=conversation.messages,
            user_message=conversation.user_message,
            variables=conversation.variables,
            tools=tuple(self._params.get("tools") or ()),
            journal=self.journal,
        )

    def _driver(self, rails: tuple[RailPlan, ...], *, whole: bool) -> Driver:
        output = self._app.config.rails.output
        provider = self._app.models["main"].plugin if "main" in self._app.models else "generator"
        if whole:
            rails = seeing_everything(rails)
        if all(rail.is_stream_rail for rail in rails):
            return Pull(rails, self.turn, self._open_source, provider=provider, on_close=self._close)
        return Pump(
            rails,
            self.turn,
            self._open_source,
            provider=provider,
            parallel=output.parallel,
            max_pending=_UNBOUNDED if whole else output.streaming.max_pending,
            on_close=self._close,
        )

    async def _open_source(self, pipeline: Pipeline) -> AsyncIterator[Chunk] | None:
        """Run the input rails; give the provider's stream, or None if they refused."""
        if self._generator is not None:
            return chunks_of_texts(self._generator)
        if self._app.input_rails and self._conversation.pending_user_texts:
            stop = await self._check_input(pipeline)
            if stop is not None:
                pipeline.end(stop)
                return None
        return self._generate()

    async def _check_input(self, pipeline: Pipeline) -> Blocked | RailFailed | None:
        text, stop = await guard_text(
            self._app.input_rails,
            self._conversation.user_message,
            self.turn,
            parallel=self._app.config.rails.input.parallel,
        )
        if stop is not None:
            return replace(stop, message=REFUSAL) if isinstance(stop, Blocked) else stop
        if text != self._conversation.user_message:
            self._conversation = self._conversation.with_user_message(text)
            self.turn = pipeline.turn = self._turn(self._conversation)
        return None

    def _generate(self) -> AsyncIterator[Chunk]:
        model = self._app.models.get("main")
        if model is None:
            raise ConfigurationError("no model of type 'main' is configured; add one to 'models', or pass llm=")
        messages = self._with_instructions()
        self._llm_call = model.new_call(messages, "general")
        self.journal.llm_calls.append(self._llm_call)
        self._generation_started = anyio.current_time()
        return model.provider.stream(messages, self._params)

    def _with_instructions(self) -> Sequence[Message]:
        instructions = "\n".join(entry.content for entry in self._app.config.instructions)
        if not instructions:
            return self._conversation.messages
        return ({"role": "system", "content": instructions}, *self._conversation.messages)

    def _close(self, pipeline: Pipeline) -> None:
        if self._llm_call is not None:
            duration = anyio.current_time() - self._generation_started
            self._llm_call.close("".join(pipeline.raw), pipeline.usage, duration)


def seeing_everything(rails: Sequence[RailPlan]) -> tuple[RailPlan, ...]:
    """Give the rails with one window of everything in place of their strategies."""
    return tuple(
        rail if rail.is_stream_rail else replace(rail, make_strategy=Whole, stream_first=False) for rail in rails
    )


async def guard_text(
    rails: Sequence[RailPlan], text: str, turn: Turn, *, parallel: bool
) -> tuple[str, Blocked | RailFailed | None]:
    """Run rails over a text that is whole; give it as they let it through, and what stopped it."""
    rails = seeing_everything([replace(rail, channels=("text",)) for rail in rails])

    async def open_source(pipeline: Pipeline) -> AsyncIterator[Chunk]:  # noqa: ARG001
        return single(Chunk(text))

    driver: Driver
    if all(rail.is_stream_rail for rail in rails):
        driver = Pull(rails, turn, open_source, provider="text")
    else:
        driver = Pump(rails, turn, open_source, provider="text", parallel=parallel, max_pending=_UNBOUNDED)
    items = await run_to_end(driver)
    return "".join(item for item in items if isinstance(item, str)), driver.pipeline.stop


async def run_to_end(driver: Driver) -> list[Item]:
    """Run a stream to its end, for a caller who wants nothing before.

    Raises:
        Exception: what broke the generation.
    """
    if isinstance(driver, Pull):
        renderer = AsEvents()
        renderer.plain_text = True
        return [item async for item in driver.stream(renderer)]
    await driver.run()
    return await _taken(driver)


async def _taken(pump: Pump) -> list[Item]:
    items: list[Item] = []
    while (item := await pump.take()) is not None:
        items.append(item)
    return items
