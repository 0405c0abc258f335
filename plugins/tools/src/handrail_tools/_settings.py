"""Settings of `tool call validation`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from handrail_tools._schemas import SchemaError, compiled


def _is_schema(schema: dict[str, Any]) -> dict[str, Any]:
    try:
        compiled(schema)
    except SchemaError as exc:
        raise ValueError(str(exc)) from exc
    return schema


class ToolSettings(BaseModel):
    """What stands under `rails.config.tool call validation`. In names of tools, `*` stands for any characters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed: tuple[str, ...] | None = Field(
        default=None, description="The tools that may be called; every tool that is known unless set."
    )
    denied: tuple[str, ...] = Field(default=(), description="Tools that must not be called, even if they are allowed.")
    schemas: dict[str, Annotated[dict[str, Any], AfterValidator(_is_schema)]] = Field(
        default_factory=dict,
        description="JSON Schemas of arguments by tool: for tools that no request defines, and beside those of one.",
    )
    max_length: Annotated[int, Field(ge=2)] = Field(
        default=100_000, description="The most characters that the arguments of a call may have."
    )
