"""`LLMRails`: a language model behind its rails, composed from a configuration and what is installed."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import anyio

from handrail._call import REFUSAL, Call, run_to_end
from handrail._compose import Composition, compose
from handrail._events import Blocked, RailFailed
from handrail._guarded import GuardedStream
from handrail._messages import Conversation, conversation
from handrail._registry import Registry
from handrail._stream.owner import OwnedGenerator, OwnedStream
from handrail._stream.pump import Pump
from handrail._stream.render import AsText, AsTextWithMetadata, Renderer
from handrail._types import Message
from handrail.config import RailsConfig
from handrail.errors import StreamingNotSupportedError

RAIL_FAILURE = "I'm sorry, an internal error has occurred."


class LLMRails:
    """A language model behind its rails.

    Everything that the configuration names is loaded and validated here. One object serves any number of calls at
    once, which share nothing but the models.

    Args:
        config: what to guard, with which models and how.
        llm: a provider that takes the place of the configured main model: any object with `stream(messages, params)`.
        verbose: kept for existing code; the log of a call tells what happened.
        registry: what is installed; by default whatever is found.

    Raises:
        ConfigurationError: something that the configuration names is missing or wrong.
    """

    def __init__(
        self,
        config: RailsConfig,
        llm: object = None,
        verbose: bool = False,  # noqa: FBT001, FBT002  # the published signature
        *,
        registry: Registry | None = None,
    ) -> None:
        self.config = config
        self.verbose = verbose
        self._app: Composition = compose(config, registry or Registry.discover(), llm)

    def stream_async(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | None = None,
        state: object = None,
        include_metadata: bool = False,  # noqa: FBT001, FBT002  # the published signature
        generator: AsyncIterable[str] | None = None,
        include_generation_metadata: bool | None = None,  # noqa: FBT001
    ) -> AsyncIterator[Any]:
        """Stream a guarded answer as text.

        The iterator may be left at any time, by breaking out of the loop, by cancellation or by forgetting it: the
        provider is closed and every check cancelled.

        Args:
            prompt: the user's message; or
            messages: the conversation.
            options: `llm_params` for this call.
            state: not used.
            include_metadata: yield `{"text": ...}`, and at the end a `metadata` with the tokens used.
            generator: guard these texts instead of a model's; then no input rails run.
            include_generation_metadata: the older name of `include_metadata`.

        Returns:
            An iterator of texts as the rails let them through. A block, a failed rail and a failed generation each
            come as a last `StreamError`, a text that carries its error.

        Raises:
            StreamingNotSupportedError: at once, if output rails are configured but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        del state
        self._require_streaming()
        call = Call(
            self._app,
            _conversation(prompt, messages, generator),
            params=_llm_params(options),
            generator=generator,
        )
        renderer: Renderer = AsText()
        if include_generation_metadata:
            renderer = AsTextWithMetadata("generation_info")
        elif include_metadata:
            renderer = AsTextWithMetadata()
        if isinstance(call.driver, Pump):
            return OwnedStream(call.driver, renderer)
        return OwnedGenerator(call.driver.stream(renderer))

    def stream(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        generator: AsyncIterable[str] | None = None,
    ) -> GuardedStream:
        """Stream a guarded answer as typed events, inside `async with`.

        Raises:
            StreamingNotSupportedError: at once, if output rails are configured but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        self._require_streaming()
        talk = _conversation(prompt, messages, generator)
        return GuardedStream(Call(self._app, talk, params=_llm_params(options), generator=generator))

    async def generate_async(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> str | dict[str, Any]:
        """Generate a guarded answer, and return it whole.

        Output rails see the whole answer at once.

        Returns:
            The answer for a prompt, a message of the assistant for messages. If a rail refused, the refusal.

        Raises:
            InvalidRequestError: not exactly one of prompt and messages was passed, or it is wrong.
            ProviderError: the model could not answer.
        """
        call = Call(self._app, conversation(prompt, messages), params=_llm_params(options), whole=True)
        items = await run_to_end(call.driver)
        text = _whole_text(items)
        return text if prompt is not None else {"role": "assistant", "content": text}

    def generate(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> str | dict[str, Any]:
        """Generate like `generate_async`, from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `generate_async` there.
        """
        _refuse_running_loop("generate")
        return anyio.run(self.generate_async, prompt, messages, options)

    async def aclose(self) -> None:
        """Close the providers: their connections and threads. No stream may run any more."""
        for model in self._app.models.values():
            if (close := getattr(model.provider, "aclose", None)) is not None:
                await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _require_streaming(self) -> None:
        output = self.config.rails.output
        if output.flows and not output.streaming.enabled:
            raise StreamingNotSupportedError(
                "output rails are configured, but streaming is not enabled for them; "
                "set rails.output.streaming.enabled to True, or use generate_async()"
            )


def _conversation(
    prompt: str | None, messages: Sequence[Message] | None, generator: AsyncIterable[str] | None
) -> Conversation:
    if generator is not None and prompt is None and messages is None:
        return Conversation((), {})
    return conversation(prompt, messages)


def _llm_params(options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return (options or {}).get("llm_params")


def _whole_text(items: Sequence[object]) -> str:
    for item in items:
        if isinstance(item, Blocked):
            return item.message or REFUSAL
        if isinstance(item, RailFailed):
            return RAIL_FAILURE
    return "".join(item for item in items if isinstance(item, str))


def _refuse_running_loop(name: str) -> None:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"{name}() was called inside a running event loop; await {name}_async() there")
