"""What a caller may ask for, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Self

import handrail
from handrail.errors import InvalidRequestError
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator


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


class LLMCallInfo(BaseModel):
    """One request to a model; durations in seconds, times in seconds since the epoch."""

    task: str | None = None
    duration: float | None = None
    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    started_at: float | None = 0
    finished_at: float | None = 0
    id: str | None = None
    prompt: str | None = None
    completion: str | None = None
    llm_model_name: str | None = "unknown"
    llm_provider_name: str | None = "unknown"
    estimated: bool = False


class ExecutedAction(BaseModel):
    """What a rail did, with the requests to models that it made."""

    action_name: str
    action_params: dict[str, Any] = Field(default_factory=dict)
    return_value: Any = None
    llm_calls: list[LLMCallInfo] = Field(default_factory=list)
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None


class ActivatedRail(BaseModel):
    """One rail in one call; beside these fields it has Handrail's: `reason`, `category`, `span`, `held`."""

    model_config = ConfigDict(extra="allow")

    type: str
    name: str
    decisions: list[str] = Field(default_factory=list)
    executed_actions: list[ExecutedAction] = Field(default_factory=list)
    stop: bool = False
    additional_info: dict[str, Any] | None = None
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None


class GenerationStats(BaseModel):
    """What a call took: seconds and tokens."""

    input_rails_duration: float | None = None
    dialog_rails_duration: float | None = None
    generation_rails_duration: float | None = None
    output_rails_duration: float | None = None
    total_duration: float | None = None
    llm_calls_duration: float | None = 0
    llm_calls_count: int | None = 0
    llm_calls_total_prompt_tokens: int | None = 0
    llm_calls_total_completion_tokens: int | None = 0
    llm_calls_total_tokens: int | None = 0


class GenerationLog(BaseModel):
    """What happened in one call. A part that was not asked for is empty."""

    activated_rails: list[ActivatedRail] = Field(default_factory=list)
    stats: GenerationStats = Field(default_factory=GenerationStats)
    llm_calls: list[LLMCallInfo] | None = None
    internal_events: list[dict[str, Any]] | None = None
    colang_history: str | None = None

    _log: handrail.GenerationLog | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, log: handrail.GenerationLog) -> Self:
        """Make one of Handrail's."""
        made = cls.model_validate({name: part for name, part in asdict(log).items() if part is not None})
        made._log = log  # noqa: SLF001  # its own
        return made

    def print_summary(self) -> None:
        """Print what happened, for people at a terminal."""
        (self._log or handrail.GenerationLog()).print_summary()


class GenerationResponse(BaseModel):
    """What came of a call; `response` is text for a prompt, a list of messages for messages."""

    response: str | list[dict[str, Any]]
    llm_output: dict[str, Any] | None = None
    output_data: dict[str, Any] | None = None
    log: GenerationLog | None = None
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
            log=GenerationLog.of(result.log) if wants_log and result.log is not None else None,
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
    result: handrail.RailsResult, calls: Iterable[object], options: GenerationOptions
) -> GenerationLog | None:
    """Give the log of rails that ran without a generation; None if the options ask for none."""
    if result.journal is None or not any(options.log.model_dump().values()):
        return None
    rails = [
        ActivatedRail(
            type=run.direction,
            name=run.rail,
            decisions=[run.decision],
            stop=run.decision in {"block", "failed"},
            started_at=run.started_at,
            finished_at=run.finished_at,
            duration=run.duration,
        )
        for run in result.journal.rail_runs
    ]
    asked = [LLMCallInfo.model_validate(call, from_attributes=True) for call in calls]
    return GenerationLog(
        activated_rails=rails if options.log.activated_rails else [],
        llm_calls=asked if options.log.llm_calls else None,
        stats=GenerationStats(llm_calls_count=len(asked)),
    )


def _tool_call(call: handrail.ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _plain(response: str | list[handrail.Message]) -> str | list[dict[str, Any]]:
    return response if isinstance(response, str) else [dict(message) for message in response]


def _dict(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(values)
