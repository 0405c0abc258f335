"""A configured language model: a provider with its name, whose requests are written into the journal of a call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import anyio

from handrail._compose.breaking import is_down
from handrail._compose.completion import CompletionBuilder
from handrail._content import message_text
from handrail._stream.source import close_source, not_a_chunk, opened
from handrail._turn import LLMCall
from handrail._types import Chunk, Message

if TYPE_CHECKING:
    from handrail._compose.breaking import Breaker, Slots
    from handrail._compose.completion import Completion
    from handrail._prices import Price
    from handrail._protocols import Provider
    from handrail._tokens import TokenCounter
    from handrail._turn import Turn


class Model:
    """A language model as rails and the generation use it.

    Attributes:
        type: "main", or the task that it serves.
        engine: the engine's name in the configuration.
        name: the model's name.
        plugin: distribution and version of the provider, for errors.
        provider: what reaches the model.
        slots: how many of `complete` may ask it at once.
        breaker: when `complete` does not ask it.
        fallback: models that `complete` asks while it is down.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        type: str,  # noqa: A002  # the configuration's own word
        engine: str,
        name: str,
        plugin: str,
        counter: TokenCounter,
        prices: Mapping[str, Price],
    ) -> None:
        self.type = type
        self.engine = engine
        self.name = name
        self.plugin = plugin
        self.provider = provider
        self._counter = counter
        self._prices = prices
        self.slots: Slots | None = None
        self.breaker: Breaker | None = None
        self.fallback: tuple[Model, ...] = ()

    async def complete(
        self,
        messages: Sequence[Message],
        params: Mapping[str, Any] | None = None,
        *,
        turn: Turn | None = None,
        task: str = "general",
    ) -> Completion:
        """Ask the model and wait for its whole answer; while it is down, ask those that are configured in its place.

        Args:
            messages: the conversation in OpenAI's form.
            params: parameters of this request, which override the configured ones.
            turn: the turn in whose journal the request is written down.
            task: what the request is for, as the journal names it.

        Raises:
            ProviderError: none of them could answer.
        """
        *others, last = (self, *self.fallback)
        for model in others:
            try:
                return await model.complete_alone(messages, params, turn=turn, task=task)
            except Exception as exc:
                if not is_down(exc):
                    raise
        return await last.complete_alone(messages, params, turn=turn, task=task)

    async def complete_alone(
        self,
        messages: Sequence[Message],
        params: Mapping[str, Any] | None = None,
        *,
        turn: Turn | None = None,
        task: str = "general",
    ) -> Completion:
        """Ask this model and no other; see `complete`.

        Raises:
            ModelUnavailableError: it has failed too often to be asked now.
            ProviderError: it could not answer.
        """
        async with AsyncExitStack() as stack:
            if self.breaker is not None:
                self.breaker.refuse_if_open()
            if self.slots is not None:
                await stack.enter_async_context(self.slots.one())
            if self.breaker is not None:
                stack.enter_context(self.breaker.watch())
            return await self._ask(messages, params or {}, turn, task)

    async def _ask(
        self, messages: Sequence[Message], params: Mapping[str, Any], turn: Turn | None, task: str
    ) -> Completion:
        call, started = self.new_call(messages, params, task), anyio.current_time()
        if turn is not None:
            turn.journal.asked(call)
        telling = None if turn is None else turn.journal.telling
        with nullcontext() if telling is None else telling.around_model(call):
            return await self._completed(call, started, messages, params, turn)

    async def _completed(
        self, call: LLMCall, started: float, messages: Sequence[Message], params: Mapping[str, Any], turn: Turn | None
    ) -> Completion:
        builder = CompletionBuilder()
        source = opened(self.provider.stream(messages, params), self.plugin)
        try:
            async for chunk in source:
                if not isinstance(chunk, Chunk):
                    raise not_a_chunk(chunk, self.plugin)
                builder.add(chunk)
        except BaseException as exc:
            call.failure = type(exc).__name__
            raise
        finally:
            await close_source(source, self.plugin)
            completion = builder.build()
            call.close(completion.text, builder.usage, anyio.current_time() - started, completion.aside)
            call.id = id_of_request(completion.metadata)
            if turn is not None:
                turn.journal.answered(call)
        completion.usage = call.usage
        return completion

    def new_call(self, messages: Sequence[Message], params: Mapping[str, Any], task: str) -> LLMCall:
        """Begin the record of a request; one may ask the provider for another model than the configured one."""
        asked = params.get("model")
        name = asked if isinstance(asked, str) and asked else self.name
        prompt = "\n".join(f"{message.get('role')}: {message_text(message)}" for message in messages)
        return LLMCall(
            task,
            self.engine,
            name,
            prompt,
            started_at=time.time(),
            count_tokens=self._counter.count,
            model_type=self.type,
            price=self._prices.get(name),
        )


def id_of_request(metadata: Mapping[str, Any]) -> str | None:
    """Return the provider's id of a request, if it is among what it sent."""
    found = metadata.get("request_id") or metadata.get("id")
    return None if found is None else str(found)
