"""`LLMRails`: a language model behind its rails, composed from a configuration and what is installed."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

import anyio

from handrail._call.call import Call
from handrail._call.checking import RailsResult, check_conversation
from handrail._call.conversation import Conversation
from handrail._call.conversation import conversation as checked
from handrail._call.explain import Explanation
from handrail._call.fed import FedStream
from handrail._call.guarded import GuardedStream
from handrail._call.misuse import refuse_other_than_config, refuse_sync_generator
from handrail._call.options import GenerationOptions, parse_options
from handrail._call.response import GenerationResponse, ResponseBuilder
from handrail._compose.composer import compose, plan_of_function
from handrail._compose.composition import Composition
from handrail._compose.functions import RailFunction
from handrail._compose.models import given_model
from handrail._plugins.registry import Registry
from handrail._specs import Direction
from handrail._stream.backend import refuse_running_loop
from handrail._stream.render import AsText, AsTextWithMetadata, Renderer
from handrail._turn import Journal, Origin
from handrail._types import Message
from handrail.config import RailsConfig
from handrail.errors import ConfigurationError, StreamingNotSupportedError


class LLMRails:
    """A language model behind its rails.

    Everything that the configuration names is loaded and validated here. One object serves any number of calls at
    once, which share nothing but the models.

    Args:
        config: what to guard, with which models and how.
        llm: a provider that takes the place of the configured main model: any object with `stream(messages, params)`.
        verbose: kept for existing code; the log of a call tells what happened.
        registry: what is installed; by default whatever is found.
        caller_may: which options of a call may be set ("rails", "llm_params", "llm_output", "output_vars", "log"), for
            programs that pass on what their callers ask for; None for all.
        observers: who is told what happens in calls, beside those that the configuration names; see `Observer`.

    Raises:
        ConfigurationError: something that the configuration names is missing or wrong.
        TypeError: what was passed is not a `RailsConfig`.
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
        self.config = config
        self.verbose = verbose
        self._app = compose(config, registry or Registry.discover(), llm, observers)
        self._caller_may = caller_may
        self._last_journal = Journal()

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
        caller: str | None = None,
        conversation: str | None = None,
    ) -> AsyncIterator[Any]:
        """Stream a guarded answer as text.

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
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.

        Returns:
            An iterator of texts as the rails let them through. An input rail that refuses gives its refusal as text. A
            block, a failed rail and a failed generation each come as a last `StreamError`, which carries its error.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        del state
        origin = Origin.of(caller, conversation)
        call = self._streaming_call(prompt, messages, options, generator, origin=origin)
        renderer: Renderer = AsText()
        if include_generation_metadata:
            renderer = AsTextWithMetadata("generation_info", call.usage)
        elif include_metadata:
            renderer = AsTextWithMetadata("metadata", call.usage)
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

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        del read_ahead
        origin = Origin.of(caller, conversation)
        call = self._streaming_call(prompt, messages, options, generator, origin=origin)
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

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        origin = Origin.of(caller, conversation)
        return GuardedStream(self._streaming_call(prompt, messages, options, generator, origin=origin))

    def feed(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        caller: str | None = None,
        conversation: str | None = None,
    ) -> FedStream:
        """Guard an answer that the program itself receives piece by piece, inside `async with`.

        No model is asked and no input rail runs; rails are told of the conversation where one is passed.

        Args:
            prompt: the user's message; or
            messages: the conversation; or neither.
            options: which rails run.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
            InvalidRequestError: at once, if the arguments do not fit together.
        """
        origin = Origin.of(caller, conversation)
        return FedStream(self._streaming_call(prompt, messages, options, None, origin=origin, fed=True))

    async def generate_async(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        state: object = None,
        *,
        caller: str | None = None,
        conversation: str | None = None,
    ) -> str | Message | GenerationResponse:
        """Generate a guarded answer, and return it whole. Output rails see the whole answer at once.

        Args:
            prompt: the user's message; or
            messages: the conversation.
            options: which rails run, parameters for the model, and what comes back.
            state: kept for existing code; with it, the result is a `GenerationResponse`.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.

        Returns:
            The answer for a prompt, a message of the assistant for messages, and a `GenerationResponse` whenever
            options or a state are given. If a rail refused, the answer is the refusal; with `enable_rails_exceptions`
            it is a message of the role "exception".

        Raises:
            InvalidRequestError: not exactly one of prompt and messages was passed, or an argument is wrong.
            ProviderError: the model could not answer.
        """
        parsed = self._options(options)
        origin = Origin.of(caller, conversation)
        call = self._begin(Call(self._app, checked(prompt, messages), options=parsed, origin=origin, whole=True))
        builder = ResponseBuilder(call)
        builder.begin()
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
    ) -> str | Message | GenerationResponse:
        """Generate like `generate_async`, from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `generate_async` there.
        """
        refuse_running_loop("generate")
        told = {"caller": caller, "conversation": conversation}
        return anyio.run(partial(self.generate_async, prompt, messages, options, state, **_said(told)))

    async def check_async(
        self,
        messages: Sequence[Message],
        rail_types: Sequence[Direction] | None = None,
        *,
        options: Mapping[str, Any] | GenerationOptions | None = None,
        caller: str | None = None,
        conversation: str | None = None,
    ) -> RailsResult:
        """Run rails over messages that somebody else produced; nothing is generated.

        Args:
            messages: the conversation. Messages of the user and results of tools are for the input rails, if
                `rails.input.roles` does not say otherwise, and one of the assistant for the output rails.
            rail_types: "input", "output" or both; by default what the roles call for.
            options: which rails run, by name.
            caller: who asks, which rails are told; never take it from what the caller sends.
            conversation: which conversation it is, which rails are told.

        Raises:
            InvalidRequestError: there is nothing to check, or an argument is wrong.
        """
        talk, parsed = checked(None, messages), self._options(options)
        origin = Origin.of(caller, conversation)
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
    ) -> RailsResult:
        """Check like `check_async`, from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `check_async` there.
        """
        refuse_running_loop("check")
        told = {"caller": caller, "conversation": conversation}
        return anyio.run(partial(self.check_async, messages, rail_types, options=options, **_said(told)))

    @property
    def composition(self) -> Composition:
        """What the configuration was built into: its models, its rails in order, and the plugin behind each."""
        return self._app

    def explain(self) -> Explanation:
        """Return what the call that began last has asked of models so far."""
        return Explanation(self._last_journal)

    def register_action(self, action: Callable[..., Any], name: str | None = None) -> Self:
        """Register a function that rails may execute by name."""
        self._app.kept_verdicts.clear()
        self._app.registrations.actions[name or str(getattr(action, "__name__", type(action).__name__))] = action
        return self

    def register_action_param(self, name: str, value: object) -> Self:
        """Register a value for every executed function that has a parameter of this name."""
        self._app.kept_verdicts.clear()
        self._app.registrations.action_params[name] = value
        return self

    def register_output_parser(self, output_parser: Callable[..., Any], name: str) -> Self:
        """Register a parser that prompts may name as their `output_parser`."""
        self._app.kept_verdicts.clear()
        self._app.registrations.output_parsers[name] = output_parser
        return self

    def register_prompt_context(self, name: str, value_or_fn: object) -> Self:
        """Register a variable of prompts; a function is called for each call. It wins over what a caller passes.

        Raises:
            ConfigurationError: the function is asynchronous, and nobody would await it.
        """
        if inspect.iscoroutinefunction(value_or_fn):
            raise ConfigurationError(
                f"prompt variable {name!r} is an asynchronous function; pass a value, or a function that returns one"
            )
        self._app.kept_verdicts.clear()
        self._app.registrations.prompt_context[name] = value_or_fn
        return self

    def register_rail(
        self,
        name: str,
        function: RailFunction | None = None,
        *,
        direction: Direction = "output",
        options: Mapping[str, Any] | None = None,
        rewrites: bool | None = None,
    ) -> Any:
        """Add a rail that is a function of the text; it runs after those of the configuration.

        What comes out of one that returns texts is the function applied to the whole answer.

        Args:
            name: the rail's name.
            function: takes a text, returns True to let it pass, False to block it, another text to put in its place, or
                a `Verdict`. One that is not asynchronous runs in a thread. Without it, a decorator is returned.
            direction: whether it judges the user's message or the answer.
            options: what any rail may have under `rails.config.<name>`: `timeout` in seconds, `on_error`, `channels`,
                `max_concurrency`, `streaming`.
            rewrites: whether the function returns texts to put in place of what it was given. True: it is asked once,
                about the whole answer. None: it judges windows until it first changes one; from there on the rest is
                held to the end, and what went out must be how the function's text for the whole answer begins, or else
                the rail has failed. False: a returned text is a failure, and nothing is held for longer.

        Raises:
            ConfigurationError: an option is wrong.
        """
        if function is None:
            return partial(self._decorated, name, direction, options, rewrites)
        plan = plan_of_function(self._app, name, function, direction, options or {}, rewrites=rewrites)
        self._app = self._app.with_rail(plan)
        return self

    def update_llm(self, llm: object) -> Self:
        """Put a provider in place of the main model, for calls that begin later."""
        self._app = self._app.with_main_model(given_model(llm, self._app.counter))
        return self

    async def aclose(self) -> None:
        """Close providers and rails that can be closed: their connections and threads. No stream may run any more.

        Raises:
            Exception: what the last of them raised that failed to close; the others are closed all the same.
        """
        app = self._app
        rails = (plan.rail for plan in (*app.inner_rails, *app.input_rails, *app.output_rails))
        async with AsyncExitStack() as stack:
            for owned in (*app.observers.members, *(model.provider for model in app.models.values()), *rails):
                if (close := getattr(owned, "aclose", None)) is not None:
                    stack.push_async_callback(close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _decorated(
        self,
        name: str,
        direction: Direction,
        options: Mapping[str, Any] | None,
        rewrites: bool | None,  # noqa: FBT001  # given by `partial`
        function: RailFunction,
    ) -> RailFunction:
        self.register_rail(name, function, direction=direction, options=options, rewrites=rewrites)
        return function

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
        *,
        origin: Origin,
        fed: bool = False,
    ) -> Call:
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
        return self._begin(Call(self._app, talk, options=parsed, origin=origin, generator=generator, fed=fed))


def _said(told: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what is said of a call's origin; a subclass that does not know it need not take it."""
    return {name: value for name, value in told.items() if value is not None}
