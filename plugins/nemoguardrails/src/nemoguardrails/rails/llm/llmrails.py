"""`LLMRails`: Handrail's, with the signatures and results that existing code expects."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

import handrail
from handrail import Message, Registry
from handrail.errors import ConfigurationError, InvalidArgumentError
from handrail.errors import InvalidRailsConfigurationError as InvalidRailsConfigurationError
from handrail.errors import StreamingNotSupportedError as StreamingNotSupportedError
from handrail_colang import CallVariables, dialogs_of_program

from nemoguardrails._alone import run_alone, stream_alone, types_of
from nemoguardrails._engines import as_provider
from nemoguardrails._events import events_of, messages_of
from nemoguardrails._library import refuse_on_streams
from nemoguardrails._llm_model import answers_whole
from nemoguardrails._missing import no_filter, without
from nemoguardrails._pictures import Pictures
from nemoguardrails._pushing import content_of, push_all
from nemoguardrails._results import Names, with_exception
from nemoguardrails._runtime import Runtime
from nemoguardrails._state import as_state, context_of, conversation, spoken_after
from nemoguardrails._texts import Generator, GuardedTexts
from nemoguardrails.context import during, streaming_handler_var
from nemoguardrails.llm.output_parsers import is_content_safe
from nemoguardrails.logging.explain import ExplainInfo
from nemoguardrails.plugin import program_registry
from nemoguardrails.rails.llm.config import say_differences
from nemoguardrails.rails.llm.options import (
    GenerationOptions,
    GenerationResponse,
    RailsResult,
    RailStatus,
    RailType,
    for_kernel,
    tell,
)

if TYPE_CHECKING:
    from handrail import Provider
    from handrail_colang import Dialogs

    from nemoguardrails.streaming import StreamingHandler

Options = Mapping[str, Any] | GenerationOptions | None
_RENAMED = "include_generation_metadata is now include_metadata"


class LLMRails(handrail.LLMRails):
    """A language model behind its rails.

    Args:
        config: what to guard, with which models and how.
        llm: takes the place of the configured main model: a provider of Handrail, or a model of LangChain.
        verbose: kept for existing code.
        registry: what is installed; by default whatever is found.

    Raises:
        ConfigurationError: something that the configuration names is missing or wrong.
    """

    def __init__(
        self,
        config: handrail.RailsConfig,
        llm: object = None,
        verbose: bool = False,  # noqa: FBT001, FBT002  # the published signature
        *,
        registry: Registry | None = None,
    ) -> None:
        installed = registry or Registry.discover()
        self._dialogs: list[Dialogs] = []
        tokens = program_registry.set(installed), dialogs_of_program.set(self._dialogs)
        try:
            super().__init__(config, None if llm is None else as_provider(llm), verbose, registry=installed)
        finally:
            program_registry.reset(tokens[0])
            dialogs_of_program.reset(tokens[1])
        main = self._main = self.composition.models.get("main")
        if self._dialogs and main is not None:
            super().update_llm(self._dialogs[0].in_front_of(main.provider, main.name))
        self.llm = llm
        self.kb: None = None  # what is retrieved, and how, is the application's
        self.runtime = Runtime(self)
        self.composition.registrations.output_parsers.setdefault("is_content_safe", is_content_safe)
        self._names = Names(config)
        self._pictures = Pictures(config)
        self._spoken: Sequence[Message] = ()
        say_differences(config)

    def stream_async(  # type: ignore[override]  # takes the drop-in's own class of options
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Options = None,
        state: object = None,
        include_metadata: bool = False,  # noqa: FBT001, FBT002  # the published signature
        generator: AsyncIterable[str] | None = None,
        include_generation_metadata: bool | None = None,  # noqa: FBT001
    ) -> AsyncIterator[Any]:
        """Stream a guarded answer as text; see `handrail.LLMRails.stream_async`.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
        """
        wanted, messages = self._pictures.taken(options, messages, are_judged=generator is None)
        if include_generation_metadata is not None:
            warnings.warn(_RENAMED, DeprecationWarning, stacklevel=2)
        if state is not None:
            prompt, messages = None, conversation(state, prompt, messages)
        self._spoken = ()
        if generator is None and not wanted.rails.dialog:
            has_metadata = include_metadata or bool(include_generation_metadata)
            return stream_alone(super().check_async, prompt, messages, wanted, include_metadata=has_metadata)
        source = None if generator is None else Generator(generator)
        stream = super().stream_async(
            prompt, messages, for_kernel(wanted), None, include_metadata, source, include_generation_metadata
        )
        variables = CallVariables(context_of(messages)) if self._dialogs else None
        return GuardedTexts(stream, self._names, variables, source)

    async def generate_async(  # type: ignore[override]  # results are of the drop-in's own classes
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Options = None,
        state: object = None,
        streaming_handler: StreamingHandler | None = None,
    ) -> str | Mapping[str, Any] | GenerationResponse:
        """Generate a guarded answer, and return it whole.

        Args:
            prompt: the user's message, in place of `messages`, the conversation.
            options: which rails run, and what comes back.
            state: what an earlier call of the conversation has given as its `state`, or `{}`; the result is a
                `GenerationResponse` whose `state` goes into the next call.
            streaming_handler: takes the guarded text as it is released, and is ended in any case.

        Raises:
            ValueError: not exactly one of prompt and messages was passed, or an option is wrong.
            InvalidStateError: the state is none that a call has given.
            ProviderError: the model could not answer.
        """
        wanted, messages = self._pictures.taken(options, messages)
        is_prompt = prompt is not None
        if state is not None:
            prompt, messages = None, conversation(state, prompt, messages)
        handler = streaming_handler if streaming_handler is not None else streaming_handler_var.get()
        call = CallVariables(context_of(messages))
        with during(call, wanted if options is not None else None):
            if not wanted.rails.dialog:
                found = await run_alone(super().check_async, prompt, messages, wanted, handler)
                response = GenerationResponse.of_check(found, wanted, self._names, call, is_prompt=prompt is not None)
            else:
                asked = self._whole if handler is None else partial(self._into, handler)
                response = self._answered(await asked(prompt, messages, wanted), wanted, call, state)
        if state is not None and is_prompt and isinstance(response.response, list):
            response.response = content_of(response.response)
        if options is not None or state is not None:
            return response
        return response.response if isinstance(response.response, str) else response.response[0]

    async def generate_events_async(self, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what the bot does after what has happened: says its guarded answer, then listens.

        Raises:
            InvalidRequestError: an event is of an unknown type, or the last is not what the user says.
        """
        answer = await self.generate_async(messages=messages_of(events))
        return events_of(cast("Mapping[str, Any]", answer))  # because messages are given

    def generate_events(self, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Do the same from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `generate_events_async` there.
        """
        return events_of(cast("Mapping[str, Any]", self.generate(messages=messages_of(events))))

    async def check_async(  # type: ignore[override]  # likewise
        self,
        messages: Sequence[Message],
        rail_types: Sequence[RailType] | None = None,
        *,
        options: Options = None,
    ) -> RailsResult:
        """Run rails over messages that somebody else produced; which ones follows from the roles.

        Raises:
            ValueError: there is nothing to check.
            RailTypeNotConfiguredError: rails of a direction are asked for, and there are none.
        """
        types = types_of(rail_types, self.composition)
        wanted, taken = self._pictures.taken(options, messages, are_judged=types is None or "input" in types)
        result = await super().check_async(taken or (), types, options=for_kernel(wanted))
        rail = None if result.rail is None else self._names(result.rail)
        return RailsResult(status=RailStatus(result.status), content=result.content, rail=rail)

    def register_action(self, action: Callable[..., Any], name: str | None = None) -> Self:
        """Register a function that rails may execute by name. With a rail's own name it takes the rail's place.

        Raises:
            ConfigurationError: it has the name of a rail that would not ask for it.
        """
        meta = getattr(action, "action_meta", None) or {}
        known = name or meta.get("name") or str(getattr(action, "__name__", type(action).__name__))
        refuse_on_streams(known, (*self.composition.input_rails, *self.composition.output_rails))
        return super().register_action(action, known)

    def update_llm(self, llm: object) -> Self:
        """Put a model in place of the main one, for calls that begin later; rails that ask the main one ask it, too."""
        self.llm = llm
        provider = as_provider(llm)
        if self._main is not None:
            self._main.provider, self._main.engine = provider, "given"
            self._main.name = str(getattr(provider, "name", None) or type(provider).__name__)
        return super().update_llm(self._dialogs[0].in_front_of(provider) if self._dialogs else provider)

    def guard_chain(self, chain: Provider) -> None:
        """Put a chain in place of the main model, which is still asked what a message means to dialogs."""
        asked = None if self._main is None else self._main.provider
        super().update_llm(self._dialogs[0].in_front_of_chain(chain, asked) if self._dialogs else chain)

    def _answered(
        self, result: handrail.GenerationResponse, wanted: GenerationOptions, call: CallVariables, state: object
    ) -> GenerationResponse:
        self._spoken = spoken_after(result)
        response = GenerationResponse.of(with_exception(result, self._names), wanted, self._names, call)
        tell(response, wanted.log, self._spoken)
        if state is not None:
            response.state = as_state(self._spoken)
        return response

    def register_filter(self, filter_fn: Callable[..., Any], name: str | None = None) -> Self:
        """Refuse a filter for prompts: prompts are compiled when the configuration is loaded.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(no_filter(name or str(getattr(filter_fn, "__name__", "given"))))

    def explain(self) -> ExplainInfo:  # type: ignore[override]  # likewise
        """Return what the call that began last has asked of models so far, and its conversation."""
        return ExplainInfo.of(super().explain(), self._spoken)

    @property
    def explain_info(self) -> ExplainInfo:
        """What `explain()` returns; kept for existing code."""
        return self.explain()

    if not TYPE_CHECKING:  # a type checker must still find a misspelt name

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(without(type(self).__name__, name))

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.config}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Build everything again from the configuration; what was registered or passed as `llm` must be set again."""
        LLMRails.__init__(self, state["config"])

    async def startup(self) -> None:
        """Do nothing: everything is built with the object. Kept for existing code."""

    async def shutdown(self) -> None:
        """Close models and rails."""
        await self.aclose()

    async def _whole(
        self, prompt: str | None, messages: Sequence[Message] | None, wanted: GenerationOptions
    ) -> handrail.GenerationResponse:
        token = answers_whole.set(True)
        try:
            result = await super().generate_async(prompt, messages, for_kernel(wanted))
        finally:
            answers_whole.reset(token)
        return cast("handrail.GenerationResponse", result)  # because options are given

    async def _into(
        self,
        handler: StreamingHandler,
        prompt: str | None,
        messages: Sequence[Message] | None,
        wanted: GenerationOptions,
    ) -> handrail.GenerationResponse:
        InvalidArgumentError.unless(hasattr(handler, "finish"), "streaming_handler", handler, "a StreamingHandler")
        try:
            try:
                stream = self.stream(prompt, messages, options=for_kernel(wanted))
            except StreamingNotSupportedError:  # its rails may not see parts of the answer
                result = await self._whole(prompt, messages, wanted)
                await handler.push_chunk(content_of(result.response))
                return result
            return await push_all(handler, stream, self._names)
        finally:
            await handler.finish()
