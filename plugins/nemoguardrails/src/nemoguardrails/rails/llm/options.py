"""What a caller may ask for, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Self

import handrail
from handrail import Message
from handrail.errors import InvalidRequestError
from handrail_colang import CallVariables, with_actions
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nemoguardrails._events import told
from nemoguardrails._pushing import content_of
from nemoguardrails._results import Names, own_variables, without_the_answer, without_thinking
from nemoguardrails._tool_calls import decoded, decoded_in
from nemoguardrails.logging.explain import LLMCallInfo as LLMCallInfo
from nemoguardrails.logging.explain import history_of
from nemoguardrails.rails.llm._log import ActivatedRail as ActivatedRail
from nemoguardrails.rails.llm._log import ExecutedAction as ExecutedAction
from nemoguardrails.rails.llm._log import GenerationLog as GenerationLog
from nemoguardrails.rails.llm._log import GenerationStats as GenerationStats

_GENERATION = "generation"  # a kind of rail in logs, which some pass on


class RailType(StrEnum):
    """Where a rail stands."""

    INPUT = "input"
    OUTPUT = "output"


class RailStatus(StrEnum):
    """What rails say of a text."""

    PASSED = "passed"
    MODIFIED = "modified"
    BLOCKED = "blocked"


class RailsResult(BaseModel):
    """What `check` gives: the text as it may be used, and the rail that blocked it."""

    status: RailStatus
    content: str
    rail: str | None = None


class GenerationLogOptions(BaseModel):
    """Which parts of the log come back."""

    activated_rails: bool = False
    llm_calls: bool = False
    internal_events: bool = False
    colang_history: bool = False


class GenerationRailsOptions(BaseModel):
    """Which rails run: all, none, or those that are named. Without `dialog` nothing is generated."""

    input: bool | list[str] = True
    output: bool | list[str] = True
    retrieval: bool | list[str] = True
    dialog: bool = True
    tool_output: bool | list[str] = True
    tool_input: bool | list[str] = True


class GenerationOptions(BaseModel):
    """The options of one call."""

    model_config = ConfigDict(extra="forbid")

    rails: GenerationRailsOptions = Field(default_factory=GenerationRailsOptions)
    llm_params: dict[str, Any] | None = None
    llm_output: bool = False
    output_vars: bool | list[str] | None = None
    log: GenerationLogOptions = Field(default_factory=GenerationLogOptions)

    @model_validator(mode="before")
    @classmethod
    def check_fields(cls, values: Any) -> Any:
        """Put a mapping in the place of a list of the rails that are to run: those that it names, and no others."""
        named = values.get("rails") if isinstance(values, dict) else None
        if not isinstance(named, list | tuple):
            return values
        kinds = GenerationRailsOptions.model_fields
        unknown = [kind for kind in named if kind not in (*kinds, _GENERATION)]
        if unknown:  # a misspelt one would turn off what it names
            raise ValueError(f"{unknown[0]!r} is unknown; kinds of rails are {', '.join(kinds)}")
        values["rails"] = {kind: kind in named for kind in kinds}
        return values


class GenerationResponse(BaseModel):
    """What came of a call; `response` is text for a prompt, a list of messages for messages."""

    response: str | list[Mapping[str, Any]]
    llm_output: Mapping[str, Any] | None = None
    output_data: Mapping[str, Any] | None = None
    log: GenerationLog | None = None
    state: dict[str, Any] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    llm_metadata: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, result: handrail.GenerationResponse, options: GenerationOptions, names: Names, call: CallVariables | None
    ) -> Self:
        """Make one of Handrail's, with what the options ask for. Of a blocked answer nothing comes back."""
        data = own_variables(result, options, call)
        log = _asked(result.log, options.log, names, call)
        if log is not None:
            log = names.log(log if result.stop is None else without_the_answer(log, result.stop))
        if result.stop is not None:
            return cls(response=result.response, output_data=data, log=_record(log))
        response, thought = _without_thinking(result.response)
        return cls(
            response=response,
            llm_output=result.llm_output,
            output_data=data,
            log=_record(log),
            tool_calls=[_tool_call(call) for call in result.tool_calls] or None,
            reasoning_content=result.reasoning_content or thought,
            llm_metadata=result.llm_metadata,
        )

    @classmethod
    def of_check(
        cls,
        result: handrail.RailsResult,
        options: GenerationOptions,
        names: Names,
        call: CallVariables | None,
        *,
        is_prompt: bool,
    ) -> Self:
        """Make one of rails that ran without a generation."""
        answer = result.content if is_prompt else [{"role": "assistant", "content": result.content}]
        return cls(response=answer, log=_record(_asked(result.log, options.log, names, call)))


def parse(options: Mapping[str, Any] | GenerationOptions | None) -> GenerationOptions:
    """Check a caller's options.

    Raises:
        TypeError: they are of a type that has no options.
        InvalidRequestError: they are wrong.
    """
    if isinstance(options, GenerationOptions):
        return options
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options is {type(options).__name__}; pass a dict or GenerationOptions")
    try:
        return GenerationOptions.model_validate(dict(options or {}))
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, ("options", *first["loc"])))
        raise InvalidRequestError(f"{where}: {first['msg']}") from exc


def tell(response: GenerationResponse, asked: GenerationLogOptions, spoken: Sequence[Message]) -> None:
    """Write into a response's log what has happened and what was said, as far as that was asked for.

    Args:
        response: of the call.
        asked: the parts of the log that come back.
        spoken: the conversation after the call, of which what a rail refused is no part.
    """
    if response.log is None:
        return
    if asked.internal_events:
        found, said = response.log.internal_events or (), content_of(response.response)
        response.log.internal_events = told(found, spoken, said)
    if asked.colang_history:
        response.log.colang_history = history_of(spoken)


def for_kernel(options: GenerationOptions) -> dict[str, Any]:
    """Return options as Handrail takes them."""
    values = options.model_dump(exclude_none=True)
    values["log"]["llm_calls"] |= options.log.activated_rails  # which of them each action has made
    values["rails"] = {kind: values["rails"][kind] for kind in ("input", "output")}
    return values


def _asked(
    log: handrail.GenerationLog | None, options: GenerationLogOptions, names: Names, call: CallVariables | None
) -> handrail.GenerationLog | None:
    """Return the parts of a log that were asked for; rails can be iterated over in any case."""
    if log is None or not any(options.model_dump().values()):
        return None
    if call is not None:
        log = with_actions(log, call, names.config)
    return replace(
        log,
        activated_rails=(log.activated_rails or ()) if options.activated_rails else (),
        llm_calls=log.llm_calls if options.llm_calls else None,
        internal_events=log.internal_events if options.internal_events else None,
    )


def _record(log: handrail.GenerationLog | None) -> GenerationLog | None:
    return None if log is None else GenerationLog.of(log)


def _without_thinking(response: str | list[Message]) -> tuple[str | list[Message], str | None]:
    if isinstance(response, str):
        message, thought = without_thinking({"content": response})
        return str(message["content"]), thought
    parts = [without_thinking(decoded_in(message)) for message in response]
    return [message for message, _ in parts], next((thought for _, thought in parts if thought is not None), None)


def _tool_call(call: handrail.ToolCall) -> dict[str, Any]:
    return decoded({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
