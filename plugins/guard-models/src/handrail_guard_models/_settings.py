"""The settings of the rails of content safety, below `rails.config.content_safety` or the rail's own name."""

from __future__ import annotations

from typing import Literal

from handrail_self_check import SelfCheckSettings
from pydantic import BaseModel, ConfigDict, Field, field_validator


class ReasoningSettings(BaseModel):
    """What prompts are told of the model's reasoning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=False, description="The variable `reasoning_enabled` of the prompts.")


class MultilingualSettings(BaseModel):
    """Refusals in the language of the user, which Handrail does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=False, description="Only false: the language of a message is not recognized.")
    refusal_messages: dict[str, str] = Field(default_factory=dict, description="Read only where `enabled` is true.")

    @field_validator("enabled")
    @classmethod
    def _is_not_supported(cls, value: bool) -> bool:  # noqa: FBT001  # the shape of a validator
        if value:
            raise ValueError(
                "refusals in the user's language are not supported; write one refusal in rails.input.refusal and "
                "rails.output.refusal"
            )
        return value


class ContentSafetySettings(SelfCheckSettings):
    """Settings of `content safety check input` and `content safety check output`."""

    reasoning: ReasoningSettings = Field(
        default=ReasoningSettings(), description="`enabled: true` sets the variable `reasoning_enabled` of the prompts."
    )
    multilingual: MultilingualSettings = Field(
        default=MultilingualSettings(),
        description="`enabled: true` is an error: refusals in the user's language are not supported.",
    )
    controversial: Literal["block", "allow"] | None = Field(
        default=None,
        description="What Qwen3Guard's verdict between safe and unsafe does; block unless it is set. An error for "
        "models that have none.",
    )
