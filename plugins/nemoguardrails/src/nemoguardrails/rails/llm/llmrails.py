"""`LLMRails`: Handrail's, with the signatures and results that existing code expects."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import handrail
from handrail import Blocked, Event, Finished, Message, RailFailed, Registry, StreamError, TextDelta
from handrail.errors import InvalidRailsConfigurationError as InvalidRailsConfigurationError
from handrail.errors import InvalidRequestError
from handrail.errors import StreamingNotSupportedError as StreamingNotSupportedError

from nemoguardrails._engines import as_provider
from nemoguardrails.context import streaming_handler_var
from nemoguardrails.rails.llm.config import say_differences
from nemoguardrails.rails.llm.options import (
    GenerationOptions,
    GenerationResponse,
    RailsResult,
    RailStatus,
    RailType,
    for_kernel,
    parse,
)

if TYPE_CHECKING:
    from nemoguardrails.streaming import StreamingHandler

Options = Mapping[str, Any] | GenerationOptions | None


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
        super().__init__(config, None if llm is None else as_provider(llm), verbose, registry=registry)
        self.llm = llm
        say_differences(config)

    def stream_async(
        self,
        prompt: str | None = None,
        messages: Sequence[Message] | None = None,
        options: Options = None,  # type: ignore[override]  # takes the drop-in's own class of options
        state: object = None,
        include_metadata: bool = False,  # noqa: FBT001, FBT002  # the published signature
        generator: AsyncIterable[str] | None = None,
        include_generation_metadata: bool | None = None,  # noqa: FBT001
    ) -> AsyncIterator[Any]:
        """Stream a guarded answer as text; see `handrail.LLMRails.stream_async`.

        Raises:
            StreamingNotSupportedError: at once, if output rails are to run but streaming is not enabled for them.
        """
        wanted = for_kernel(parse(options))
        return super().stream_async(
            prompt, messages, wanted, state, include_metadata, generator, include_generation_metadata
        )

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
            prompt: the user's message; or
            messages: the conversation.
            options: which rails run, and what comes back.
            state: makes the result a `GenerationResponse`; nothing is kept in it.
            streaming_handler: takes the guarded text as it is released, and is ended in any case.

        Raises:
            ValueError: not exactly one of prompt and messages was passed, or an option is wrong.
            ProviderError: the model could not answer.
        """
        wanted = parse(options)
        handler = streaming_handler if streaming_handler is not None else streaming_handler_var.get()
        if not wanted.rails.dialog:
            response = await self._without_generation(prompt, messages, wanted)
        elif handler is not None:
            response = GenerationResponse.of(await self._into(handler, prompt, messages, wanted), wanted)
        else:
            response = GenerationResponse.of(await self._whole(prompt, messages, wanted), wanted)
        if options is not None or state is not None:
            return response
        return response.response if isinstance(response.response, str) else response.response[0]

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
        """
        types: list[Any] | None = None if rail_types is None else [RailType(kind).value for kind in rail_types]
        result = await super().check_async(messages, types, options=for_kernel(parse(options)))
        return RailsResult(status=RailStatus(result.status), content=result.content, rail=result.rail)

    def update_llm(self, llm: object) -> Self:
        """Put a model in place of the main one, for calls that begin later."""
        self.llm = llm
        return super().update_llm(as_provider(llm))

    async def _whole(
        self, prompt: str | None, messages: Sequence[Message] | None, wanted: GenerationOptions
    ) -> handrail.GenerationResponse:
        result = await super().generate_async(prompt, messages, for_kernel(wanted))
        return cast("handrail.GenerationResponse", result)  # because options are given

    async def _into(
        self,
        handler: StreamingHandler,
        prompt: str | None,
        messages: Sequence[Message] | None,
        wanted: GenerationOptions,
    ) -> handrail.GenerationResponse:
        try:
            try:
                stream = self.stream(prompt, messages, options=for_kernel(wanted))
            except StreamingNotSupportedError:  # its rails may not see parts of the answer
                result = await self._whole(prompt, messages, wanted)
                await handler.push_chunk(_content(result.response))
                return result
            async with stream:
                async for event in stream:
                    await _push(handler, event)
            return stream.response
        finally:
            await handler.finish()

    async def _without_generation(
        self, prompt: str | None, messages: Sequence[Message] | None, wanted: GenerationOptions
    ) -> GenerationResponse:
        """Run the rails that are wanted over what is there, as options without `dialog` ask for."""
        if (prompt is None) == (messages is None):
            raise InvalidRequestError("pass either 'prompt' or 'messages'")
        talk = messages if messages is not None else [{"role": "user", "content": prompt}]
        roles = {message.get("role") for message in talk}
        types: list[Literal["input", "output"]] = []
        if wanted.rails.input and "user" in roles:
            types.append("input")
        if wanted.rails.output and "assistant" in roles:
            types.append("output")
        result = await super().check_async(talk, types, options=for_kernel(wanted))
        return GenerationResponse.of_check(result, wanted, is_prompt=prompt is not None)


Guardrails = LLMRails


async def _push(handler: StreamingHandler, event: Event) -> None:
    if isinstance(event, TextDelta):
        await handler.push_chunk(event.text)
    elif isinstance(event, Blocked) and event.direction == "input":
        await handler.push_chunk(event.message)
    elif isinstance(event, Blocked | RailFailed):
        await handler.push_chunk(StreamError.of(event))
    elif isinstance(event, Finished) and handler.include_metadata and event.usage is not None:
        usage = event.usage
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        await handler.push_chunk("", {"usage": {**tokens, "total_tokens": usage.total_tokens}})


def _content(response: str | list[Message]) -> str:
    if isinstance(response, str):
        return response
    return "".join(str(message.get("content") or "") for message in response)
