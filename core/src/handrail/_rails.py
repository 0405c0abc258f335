"""`LLMRails`: a language model behind its rails, composed from a configuration and what is installed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

import anyio.to_thread

from handrail._call.background import Background, SyncStream
from handrail._call.call import Call
from handrail._call.checking import RailsResult, check_conversation
from handrail._call.conversation import conversation as checked
from handrail._call.explain import Explanation
from handrail._call.lifetime import Lifetime
from handrail._call.misuse import refuse_other_than_config, refuse_other_than_registry
from handrail._call.options import GenerationOptions
from handrail._call.response import GenerationResponse, ResponseBuilder
from handrail._call.streams import Streams
from handrail._nearest import refuse_other_than_names
from handrail._plugins.registry import Registry
from handrail._specs import Direction
from handrail._telling import given_observers
from handrail._turn import Journal, Origin
from handrail._types import Message
from handrail.config import RailsConfig
from handrail.errors import RailsClosedError, StreamClosedError


class LLMRails(Streams):
    """A language model behind its rails.

    Everything that the configuration names is loaded and validated here. One object serves any number of calls at
    once, from any thread and from several event loops, which share nothing but the models; it may be built before a
    fork. The synchronous forms share one background loop, until `close()`.

    Args:
        config: what to guard, with which models and how.
        llm: a provider that takes the place of the configured main model: any object with `stream(messages, params)`.
        verbose: kept for existing code; the log of a call tells what happened.
        registry: what is installed; by default whatever is found, or of that what `plugins.enable` names.
        caller_may: which options of a call may be set ("rails", "llm_params", "llm_output", "output_vars", "log"), for
            programs that pass on what their callers ask for; None for all.
        observers: who is told what happens in calls, beside those that the configuration names; see `Observer`.

    Raises:
        ConfigurationError: something that the configuration names is missing or wrong.
        TypeError: what was passed is not a `RailsConfig` or a `Registry`, an observer is none, or `caller_may` is no
            collection.
    """

    def __init__(
        self,
        config: RailsConfig,
        llm: object = None,
        verbose: bool = False,  # noqa: FBT001, FBT002  # the published signature
        *,
        registry: Registry | None = None,
        caller_may: Collection[str] | None = None,
        observers: Sequence[object] = (),
    ) -> None:
        refuse_other_than_config(config)
        refuse_other_than_registry(registry)
        if caller_may is not None:
            refuse_other_than_names("caller_may", caller_may, "options, such as ['rails']")
        super().__init__(config, registry, llm, given_observers(observers), caller_may=caller_may)
        self.verbose = verbose
        self._background = Background()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.composition.summary}>"

    async def generate_async(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        state: object = None,
        *,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> str | Message | GenerationResponse:
        """Generate a guarded answer, and return it whole. Output rails see the whole answer at once.

        Args:
            prompt: the user's message; or
            messages: the conversation.
            options: which rails run, parameters for the model, and what comes back.
            state: kept for existing code; with it, the result is a `GenerationResponse`.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.
            timeout: after how many seconds the call ends as `TimedOut`.

        Returns:
            The answer for a prompt, a message of the assistant for messages, and a `GenerationResponse` whenever
            options or a state are given. If a rail refused, the answer is the refusal; with `enable_rails_exceptions`
            it is a message of the role "exception".

        Raises:
            InvalidRequestError: not exactly one of prompt and messages was passed, or an argument is wrong.
            ProviderError: the model could not answer.
        """
        parsed = self._options(options)
        origin, lifetime = Origin.of(caller, conversation), Lifetime(self._running, timeout)
        talk = checked(prompt, messages)
        call = self._begin(Call(self._app, talk, options=parsed, lifetime=lifetime, origin=origin, whole=True))
        builder = ResponseBuilder(call)
        builder.begin()
        with lifetime.around():
            for item in await call.batch().take():
                builder.add(item)
        builder.leave(None)
        if options is not None or state is not None:
            return builder.build(parsed.log)
        response = builder.answer()
        return response if isinstance(response, str) else response[0]

    def generate(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        state: object = None,
        *,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> str | Message | GenerationResponse:
        """Generate like `generate_async`, from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `generate_async` there.
        """
        about = _said(caller=caller, conversation=conversation, timeout=timeout)
        call = partial(self.generate_async, prompt, messages, options, state, **about)
        return self._background.run("generate", "await generate_async()", call)

    def stream_sync(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        *,
        include_metadata: bool = False,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> SyncStream:
        """Stream like `stream_async`, from code that is not asynchronous.

        Leaving the loop early ends the stream, once nothing refers to the iterator; its `close()` waits for that.

        Raises:
            StreamingNotSupportedError, InvalidRequestError: as `stream_async` does.
            RuntimeError: when the first text is asked for while an event loop is running; use `stream_async` there.
        """
        about = _said(caller=caller, conversation=conversation, timeout=timeout)
        texts = self.stream_async(prompt, messages, options, include_metadata=include_metadata, **about)
        return SyncStream(texts, self._background)

    async def check_async(
        self,
        messages: Sequence[Message],
        rail_types: Sequence[Direction] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> RailsResult:
        """Run rails over messages that somebody else produced; nothing is generated.

        Args:
            messages: the conversation. Messages of the user and results of tools are for the input rails, if
                `rails.input.roles` does not say otherwise, and one of the assistant for the output rails.
            rail_types: "input", "output" or both; by default what the roles call for.
            options: which rails run, by name.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.
            timeout: after how many seconds the call ends as `TimedOut`.

        Raises:
            InvalidRequestError: there is nothing to check, or an argument is wrong.
        """
        talk, parsed = checked(None, messages), self._options(options)
        origin = Origin.of(caller, conversation)
        with Lifetime(self._running, timeout).around():
            result = await check_conversation(self._app, talk, rail_types, parsed, origin)
        self._last_journal = result.journal or Journal()
        return result

    def check(
        self,
        messages: Sequence[Message],
        rail_types: Sequence[Direction] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        caller: str | None = None,
        conversation: str | None = None,
        timeout: float | None = None,
    ) -> RailsResult:
        """Check like `check_async`, from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `check_async` there.
        """
        about = _said(caller=caller, conversation=conversation, timeout=timeout)
        call = partial(self.check_async, messages, rail_types, options=options, **about)
        return self._background.run("check", "await check_async()", call)

    def explain(self) -> Explanation:
        """Return what the call that began last has asked of models so far."""
        return Explanation(self._last_journal)

    async def aclose(self, *, drain: float | None = None) -> None:
        """Close providers and rails: their connections and threads. New calls are refused from now on.

        Args:
            drain: how many seconds calls that run may go on; what still runs then ends with a `RailsClosedError`. None
                waits for the last of them, 0 for none. Calls of a loop that has ended are not waited for.

        Raises:
            StreamClosedError: a rail or a provider of a call that runs has called this; that call ends all the same.
            Exception: what the last of them raised that failed to close; the others are closed all the same.
        """
        await self._running.drain(drain)
        async with AsyncExitStack() as stack:
            if not self._background.is_here:
                stack.push_async_callback(anyio.to_thread.run_sync, self._background.stop)
            stack.push_async_callback(self._app.aclose)

    def close(self, *, drain: float | None = None) -> None:
        """Close like `aclose`, from code that is not asynchronous; ends the loop of the synchronous forms.

        Raises:
            RuntimeError: an event loop is running; await `aclose` there.
            StreamClosedError: a rail or a provider of a call that runs has called this; that call ends all the same.
            Exception: what the last of them raised that failed to close; the others are closed all the same.
        """
        try:
            self._background.run("close", "await aclose()", partial(self.aclose, drain=drain))
        except RailsClosedError:  # somebody else has closed everything meanwhile
            return
        except StreamClosedError:  # the call that this is part of runs on that loop
            raise
        except Exception:
            self._background.stop()
            raise
        self._background.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose(drain=None if exc is None else 0)


def _said(**told: str | float | None) -> dict[str, Any]:
    """Return what is said of a call; a subclass that does not know it need not take it."""
    return {name: value for name, value in told.items() if value is not None}
