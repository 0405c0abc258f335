"""The streamed forms of a call: a guarded answer as texts or events, or pieces that the program itself receives."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from handrail._call.call import Call
from handrail._call.conversation import Conversation
from handrail._call.conversation import conversation as checked
from handrail._call.fed import FedStream
from handrail._call.guarded import GuardedStream
from handrail._call.lifetime import Lifetime, RunningCalls
from handrail._call.misuse import refuse_sync_generator
from handrail._call.options import GenerationOptions, parse_options
from handrail._compose.composed import Composed
from handrail._plugins.registry import Registry
from handrail._stream.render import AsItems, AsText, AsTextWithMetadata, Renderer
from handrail._turn import Journal, Origin
from handrail._types import Message
from handrail.config import RailsConfig
from handrail.errors import InvalidRequestError, StreamingNotSupportedError


class Streams(Composed):
    """A built configuration whose answers may be streamed, and the calls of it that run."""

    def __init__(
        self,
        config: RailsConfig,
        registry: Registry | None,
        llm: object,
        observers: Sequence[object] = (),
        *,
        caller_may: Collection[str] | None = None,
    ) -> None:
        super().__init__(config, registry, llm, observers)
        self._caller_may = caller_may
        self._last_journal = Journal()
        self._running = RunningCalls()

    def stream_async(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        state: object = None,
        include_metadata: bool = False,  # noqa: FBT001, FBT002  # the published signature
        generator: AsyncIterable[str] | None = None,
        include_generation_metadata: bool | None = None,  # noqa: FBT001
        *,
        include_events: bool = False,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[Any]:
        """Stream a guarded answer as text, or as text and events.

        The iterator may be left at any time, by breaking out of the loop, by cancellation or by forgetting it: the
        provider is closed and every check cancelled.

        Args:
            prompt: the user's message; or
            messages: the conversation.
            options: which rails run, and parameters for the model.
            state: not used.
            include_metadata: yield `{"text": ...}`, and at the end a `metadata` with the tokens used.
            generator: guard these texts instead of a model's; then no input rails run.
            include_generation_metadata: the older name of `include_metadata`.
            include_events: yield what is not text as events, in its place, and raise what broke the generation.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.
            timeout: after how many seconds the call ends as `TimedOut`.

        Returns:
            An iterator of texts as the rails let them through. An input rail that refuses gives its refusal as text. A
            block, a failed rail and a failed generation each come as a last `StreamError`, which carries its error;
            with `include_events` the first two are events.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        del state
        if include_events and (include_metadata or include_generation_metadata):
            raise InvalidRequestError(
                "include_events cannot be combined with metadata, which the last event has anyway"
            )
        about = Origin.of(caller, conversation), Lifetime(self._running, timeout)
        call = self._streaming_call(prompt, messages, options, generator, *about)
        renderer: Renderer = AsText()
        if include_generation_metadata:
            renderer = AsTextWithMetadata("generation_info", call.usage)
        elif include_metadata:
            renderer = AsTextWithMetadata("metadata", call.usage)
        elif include_events:
            renderer = AsItems()
        return call.iterate(renderer)

    def stream(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        generator: AsyncIterable[str] | None = None,
        read_ahead: bool = False,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> GuardedStream:
        """Stream a guarded answer as typed events, inside `async with`.

        Args:
            prompt: the user's message; or
            messages: the conversation.
            options: which rails run, and parameters for the model.
            generator: texts to guard in place of a model's.
            read_ahead: without effect, for the model is always read up to `max_pending` tokens ahead of whoever
                takes the answer; kept for existing code.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.
            timeout: after how many seconds the call ends as `TimedOut`.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        del read_ahead
        about = Origin.of(caller, conversation), Lifetime(self._running, timeout)
        call = self._streaming_call(prompt, messages, options, generator, *about)
        return GuardedStream(call, needs_block=True)

    def stream_events(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        generator: AsyncIterable[str] | None = None,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> GuardedStream:
        """Stream a guarded answer as typed events: what `stream` returns, without its block.

        The stream begins when the first event is asked for, and ends with its last event, with `aclose()`, or when
        nothing refers to it any more. A wait for an event that is cancelled loses nothing, and does not end it.

        Args:
            prompt: the user's message; or
            messages: the conversation.
            options: which rails run, and parameters for the model.
            generator: texts to guard in place of a model's.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.
            timeout: after how many seconds the call ends as `TimedOut`.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        about = Origin.of(caller, conversation), Lifetime(self._running, timeout)
        return GuardedStream(self._streaming_call(prompt, messages, options, generator, *about))

    def feed(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> FedStream:
        """Guard an answer that the program itself receives piece by piece, inside `async with`.

        No model is asked and no input rail runs; rails are told of the conversation where one is passed.

        Args:
            prompt: the user's message; or
            messages: the conversation; or neither.
            options: which rails run.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.
            timeout: after how many seconds the call ends as `TimedOut`.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        about = Origin.of(caller, conversation), Lifetime(self._running, timeout)
        return FedStream(self._streaming_call(prompt, messages, options, None, *about, fed=True))

    def _options(self, options: Mapping[str, Any] | GenerationOptions | None) -> GenerationOptions:
        return parse_options(options, allowed=self._caller_may)

    def _begin(self, call: Call) -> Call:
        self._last_journal = call.journal
        return call

    def _streaming_call(
        self,
        prompt: str | None,
        messages: Sequence[Message] | None,
        options: Mapping[str, Any] | GenerationOptions | None,
        generator: AsyncIterable[str] | None,
        origin: Origin,
        lifetime: Lifetime,
        *,
        fed: bool = False,
    ) -> Call:
        self._running.refuse_if_closed()
        refuse_sync_generator(generator)
        parsed = self._options(options)
        if not self.config.rails.output.streaming.enabled and parsed.choose(self._app.output_rails, "output"):
            raise StreamingNotSupportedError(
                "output rails are configured, but streaming is not enabled for them; "
                "set rails.output.streaming.enabled to True, or use generate_async()"
            )
        if (fed or generator is not None) and prompt is None and messages is None:
            talk = Conversation((), {})
        else:
            talk = checked(prompt, messages)
        call = Call(self._app, talk, options=parsed, lifetime=lifetime, origin=origin, generator=generator, fed=fed)
        return self._begin(call)
