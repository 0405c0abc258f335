"""One guard for all calls of a host: each call brings its own model, and input and output rails run around it."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from handrail import Blocked, Chunk, ConfigurationError, LLMRails, RailFailed, RailsConfig, ReasoningDelta, Retraction
from handrail.errors import InvalidArgumentError

from handrail_hosts._errors import AnswerRefusedError, GuardFailedError

if TYPE_CHECKING:
    from handrail import Event, FedStream, GenerationResponse, GuardedStream, Message, RailsResult

Source: TypeAlias = Callable[[Sequence["Message"]], AsyncIterator[Chunk]]
"""Asks the host's model with a conversation as the input rails let it through."""

Guarding: TypeAlias = "HostGuard | LLMRails | RailsConfig | str | PathLike[str]"
"""What a host is guarded with: a guard, rails, a configuration, or the path of one."""

_SOURCE = "handrail_hosts.source"
_ROLES = ("user", "assistant", "system", "developer", "tool")
_NOT_TOLD: Sequence[Message] = ({"role": "user", "content": ""},)  # of a conversation that the host does not show


class _HostModel:
    """The main model of every call: whatever the call itself brought."""

    name = "host"

    def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        source = cast("Source", params[_SOURCE])
        return source(messages)


class HostGuard:
    """Rails around the model of a host. One guard serves any number of calls at once.

    Rails that are registered on an `LLMRails` after the guard was made from it do not count.

    Args:
        rails: the rails, a configuration, or the path of one. Its main model is not asked, and its instructions are
            not sent; the host has its own.
        prefill: whether the last message of a client's request may be the assistant's.

    Raises:
        ConfigurationError: the configuration cannot be used, its output rails do not stream, or text would go out
            before they have judged it.
    """

    def __init__(self, rails: LLMRails | RailsConfig | str | PathLike[str], *, prefill: bool = False) -> None:
        if isinstance(rails, str | PathLike):
            rails = RailsConfig.from_path(rails)
        fits = isinstance(rails, LLMRails | RailsConfig)
        InvalidArgumentError.unless(fits, "rails", rails, "an LLMRails, a RailsConfig, or the path of a configuration")
        built = LLMRails(rails) if isinstance(rails, RailsConfig) else rails
        self._owned = built if built is not rails else None
        _refuse_text_before_its_verdict(built)
        self._rails = LLMRails.update_llm(copy.copy(built), _HostModel())
        self._rails.feed()  # raises if output rails do not stream
        self._prefill = prefill
        self._instructed = any(entry.content for entry in built.config.instructions)

    @classmethod
    def of(cls, rails: Guarding) -> HostGuard:
        """Return a guard as it is, or make one."""
        return rails if isinstance(rails, HostGuard) else cls(rails)

    def stream(
        self,
        messages: Sequence[Message],
        source: Source,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        response_format: Mapping[str, Any] | None = None,
        judge_input: bool = True,
        caller: str | None = None,
        conversation: str | None = None,
    ) -> GuardedStream:
        """Return the guarded answer of a host's model; take it with `items`.

        Args:
            messages: the conversation in OpenAI's form; empty where the host does not show it.
            source: asks the model.
            tools: the tools that the model may call, in OpenAI's form; rails are told of them.
            response_format: as OpenAI has it; an answer that is to be JSON is judged as such.
            judge_input: whether the input rails run; False where `check_input` has run before.
            caller: who asks, which rails are told.
            conversation: which conversation it is, which rails are told.
        """
        options = self._options(source, tools, response_format, judge_input=judge_input)
        messages = messages or _NOT_TOLD
        return self._rails.stream_events(messages=messages, options=options, caller=caller, conversation=conversation)

    async def items(self, stream: GuardedStream) -> AsyncGenerator[list[str | Event], None]:
        """Yield what is released together: text as `str`, the rest as events; a block is the last of them.

        Raises:
            GuardFailedError: a rail failed.
            Exception: what the host's model raised.
        """
        try:
            while items := await stream.take():
                if kept := self.kept(items):
                    yield kept
                if isinstance(items[-1], RailFailed):
                    raise GuardFailedError.of(items[-1])
        finally:
            await stream.aclose()

    async def released(
        self,
        messages: Sequence[Message],
        source: Source,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        response_format: Mapping[str, Any] | None = None,
        judge_input: bool = True,
    ) -> AsyncGenerator[str | Event, None]:
        """Yield what `items` of `stream` yields, one by one; see there for the arguments.

        The model is asked in the task that takes the answer, where rails answer at once, which costs least. That is for
        hosts that take all of an answer in one task, as they do without a guard.

        Raises:
            GuardFailedError: a rail failed.
            Exception: what the host's model raised.
        """
        options = self._options(source, tools, response_format, judge_input=judge_input)
        stream = self._rails.stream_async(messages=messages or _NOT_TOLD, options=options, include_events=True)
        async with aclosing(cast("AsyncGenerator[str | Event, None]", stream)) as items:
            async for item in items:
                if type(item) is str or not self._is_kept_back(item):
                    yield item
                elif isinstance(item, RailFailed):
                    raise GuardFailedError.of(item)

    async def whole(
        self,
        messages: Sequence[Message],
        source: Source,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        response_format: Mapping[str, Any] | None = None,
        judge_input: bool = True,
        caller: str | None = None,
        conversation: str | None = None,
    ) -> GenerationResponse:
        """Return an answer that is wanted whole, which rails judge as one text. See `stream` for the arguments.

        Raises:
            AnswerRefusedError: a rail refused.
            GuardFailedError: a rail failed.
            Exception: what the host's model raised.
        """
        options = self._options(source, tools, response_format, judge_input=judge_input)
        response = cast(
            "GenerationResponse",
            await self._rails.generate_async(
                messages=messages or _NOT_TOLD, options=options, caller=caller, conversation=conversation
            ),
        )
        if isinstance(response.stop, RailFailed):
            raise GuardFailedError.of(response.stop)
        if response.stop is not None:
            raise AnswerRefusedError(response.stop)
        return response

    async def check_input(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return messages as the input rails let them through.

        Raises:
            AnswerRefusedError: a rail refused.
            GuardFailedError: a rail failed.
        """
        for message in messages:
            if not isinstance(message, Mapping) or message.get("role") not in _ROLES:
                raise GuardFailedError("a message has a role that no rail judges")
        if not self._judges_any(messages):
            return messages
        result = await self._rails.check_async(messages, ["input"])
        _raise_if_stopped(result, "input")
        return result.messages

    async def check_request(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return the messages of a client, whom nobody trusts, as the input rails let them through.

        Raises:
            AnswerRefusedError: a rail refused.
            GuardFailedError: a rail failed; or the model would be asked with nothing that rails judge, or would go on
                from words that are said to be its own.
        """
        if messages and messages[-1].get("role") == "assistant" and not self._prefill:
            raise GuardFailedError("the last message is the assistant's, which no rail has judged")
        judged = await self.check_input(messages)
        if self._rails.composition.input_rails and not self._judges_any(messages):
            raise GuardFailedError("no message has a role that the input rails judge; see 'rails.input.roles'")
        return judged

    async def check_output(self, message: Message) -> RailsResult:
        """Return the text and the tool calls of an assistant's message as the output rails let them through.

        Raises:
            AnswerRefusedError: a rail refused.
            GuardFailedError: a rail failed.
        """
        result = await self._rails.check_async([message], ["output"])
        _raise_if_stopped(result, "output")
        return result

    @property
    def withholds_reasoning(self) -> bool:
        """Whether reasoning is kept back, because rails guard the answer and none of them guards the reasoning."""
        return "reasoning" in self._rails.composition.withheld

    async def aclose(self) -> None:
        """Close the rails that the guard has made of a configuration; rails that it was given stay open."""
        if self._owned is not None:
            await self._owned.aclose()

    def _judges_any(self, messages: Sequence[Message]) -> bool:
        roles = self._rails.config.rails.input.roles
        return bool(self._rails.composition.input_rails) and any(message["role"] in roles for message in messages)

    def _options(
        self,
        source: Source,
        tools: Sequence[Mapping[str, Any]],
        response_format: Mapping[str, Any] | None,
        *,
        judge_input: bool,
    ) -> dict[str, Any]:
        def opened(messages: Sequence[Message]) -> AsyncIterator[Chunk]:
            return source(messages[1:] if self._instructed else messages)

        params = {_SOURCE: opened, **_params(tools, response_format)}
        return {"llm_params": params} if judge_input else {"llm_params": params, "rails": {"input": False}}

    def feed(
        self,
        messages: Sequence[Message] = (),
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        response_format: Mapping[str, Any] | None = None,
    ) -> FedStream:
        """Return a guard for a host that hands over pieces and takes back what is cleared; no input rail runs.

        See `stream` for the arguments.
        """
        params = _params(tools, response_format)
        return self._rails.feed(messages=messages or _NOT_TOLD, options={"llm_params": params} if params else None)

    def kept(self, items: list[str | Event]) -> list[str | Event]:
        """Return what a reader may have of what was released: without reasoning that is withheld, and failures.

        Raises:
            GuardFailedError: a rail withdrew what was delivered.
        """
        if items and type(items[0]) is str and len(items) == 1:  # as nearly always
            return items
        return [item for item in items if not self._is_kept_back(item)]

    def _is_kept_back(self, item: object) -> bool:
        if isinstance(item, Retraction):
            raise GuardFailedError("a rail withdrew text that was delivered, which no host can do")
        return isinstance(item, RailFailed) or (isinstance(item, ReasoningDelta) and self.withholds_reasoning)


def _params(tools: Sequence[Mapping[str, Any]], response_format: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what rails are told of a request beside its conversation, as parameters of the model."""
    params: dict[str, Any] = {"tools": list(tools)} if tools else {}
    return params if response_format is None else {**params, "response_format": response_format}


def _raise_if_stopped(result: RailsResult, direction: Any) -> None:
    if result.status != "blocked":
        return
    rail = result.rail or ""
    if result.failed:
        raise GuardFailedError.of(RailFailed(rail, direction, result.reason, message=result.content))
    raise AnswerRefusedError(
        Blocked(rail, direction, result.reason, result.category, result.span, message=result.content)
    )


def _refuse_text_before_its_verdict(rails: LLMRails) -> None:
    for plan in rails.composition.output_rails:
        if plan.stream_first:
            raise ConfigurationError(
                f"{plan.name!r} has 'stream_first': a host cannot withdraw what it has delivered; set it to False"
            )
