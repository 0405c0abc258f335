"""What a caller may ask for, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Self

import handrail
from handrail import ActivatedRail as ActivatedRail
from handrail import ExecutedAction as ExecutedAction
from handrail import GenerationLog as GenerationLog
from handrail import GenerationStats as GenerationStats
from handrail import LLMCallInfo as LLMCallInfo
from handrail.errors import InvalidRequestError
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, field_validator


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

    @field_validator("rails", mode="before")
    @classmethod
    def _only_these(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return {kind: kind in value for kind in GenerationRailsOptions.model_fields}


class GenerationResponse(BaseModel):
    """What came of a call; `response` is text for a prompt, a list of messages for messages."""

    response: str | list[dict[str, Any]]
    llm_output: dict[str, Any] | None = None
    output_data: dict[str, Any] | None = None
    log: InstanceOf[GenerationLog] | None = None
    state: dict[str, Any] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    llm_metadata: dict[str, Any] | None = None

    @classmethod
    def of(cls, result: handrail.GenerationResponse, options: GenerationOptions) -> Self:
        """Make one of Handrail's, with what the options ask for."""
        wants_log = any(options.log.model_dump().values())
        return cls(
            response=_plain(result.response),
            llm_output=_dict(result.llm_output),
            output_data=_dict(result.output_data),
            log=_complete(result.log) if wants_log and result.log is not None else None,
            tool_calls=[_tool_call(call) for call in result.tool_calls] or None,
            reasoning_content=result.reasoning_content,
            llm_metadata=_dict(result.llm_metadata),
        )


def parse(options: Mapping[str, Any] | GenerationOptions | None) -> GenerationOptions:
    """Check a caller's options.

    Raises:
        InvalidRequestError: they are wrong.
    """
    if isinstance(options, GenerationOptions):
        return options
    try:
        return GenerationOptions.model_validate(dict(options or {}))
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, ("options", *first["loc"])))
        raise InvalidRequestError(f"{where}: {first['msg']}") from exc


def for_kernel(options: GenerationOptions) -> dict[str, Any]:
    """Give options as Handrail takes them."""
    values = options.model_dump(exclude_none=True)
    values["rails"] = {kind: values["rails"][kind] for kind in ("input", "output")}
    return values


def log_of_check(
    result: handrail.RailsResult, calls: tuple[LLMCallInfo, ...], options: GenerationOptions
) -> GenerationLog | None:
    """Give the log of rails that ran without a generation; None if the options ask for none."""
    if result.journal is None or not any(options.log.model_dump().values()):
        return None
    rails = tuple(
        ActivatedRail(
            run.direction,
            run.rail,
            (run.decision,),
            stop=run.decision in {"block", "failed"},
            reason=run.reason,
            started_at=run.started_at,
            finished_at=run.finished_at,
            duration=run.duration,
        )
        for run in result.journal.rail_runs
    )
    stats = GenerationStats(llm_calls_count=len(calls))
    return GenerationLog(rails if options.log.activated_rails else (), stats, calls if options.log.llm_calls else None)


def _complete(log: GenerationLog) -> GenerationLog:
    """Give a log in which rails can be iterated over, whether they were asked for or not."""
    return log if log.activated_rails is not None else replace(log, activated_rails=())


def _tool_call(call: handrail.ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _plain(response: str | list[handrail.Message]) -> str | list[dict[str, Any]]:
    return response if isinstance(response, str) else [dict(message) for message in response]


def _dict(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(values)
