"""What a configuration may write under `parameters` of the engine `tiny`, and what a call may pass."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field


def _as_list(value: object) -> object:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


class TinyParameters(BaseModel):
    """How to answer. Every call may override what the configuration says.

    Attributes:
        temperature: 0 always takes the likeliest token; above, tokens are drawn.
        top_p: draw among the likeliest tokens that together have this probability.
        top_k: draw among this many likeliest tokens; 0 for all.
        max_tokens: the longest answer, in tokens. `max_new_tokens` and `max_completion_tokens` mean the same.
        stop: strings that end the answer; they are not part of it.
        seed: makes what is drawn repeatable.
        thinking: let the model reason before it answers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=0, ge=0)
    max_tokens: int = Field(
        default=256,
        ge=1,
        validation_alias=AliasChoices("max_tokens", "max_new_tokens", "max_completion_tokens"),
    )
    stop: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        BeforeValidator(_as_list, json_schema_input_type=str | list[str] | None),
    ] = []
    seed: int | None = None
    thinking: bool = False


class TinySettings(TinyParameters):
    """The same, and what is settled once.

    Attributes:
        preload: load the model when the configuration is loaded instead of at first use.
    """

    preload: bool = False


class TinyCall(TinyParameters):
    """The same, and what only a call knows.

    Attributes:
        tools: the functions that the model may call, in OpenAI's form.
        tool_choice: "none" hides the tools from the model.
    """

    tools: list[dict[str, Any]] = []
    tool_choice: Literal["auto", "none"] = "auto"

    @property
    def shown_tools(self) -> list[dict[str, Any]]:
        """The tools that the model is told of."""
        return [] if self.tool_choice == "none" else self.tools
