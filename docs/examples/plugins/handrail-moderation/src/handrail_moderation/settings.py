"""What a configuration may write under `rails.config.harbour moderation`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ModerationSettings(BaseModel):
    """Where the service is, and what is too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://", description="Where texts are sent.")
    threshold: float = Field(default=0.5, gt=0, le=1, description="The score from which on a text is blocked.")
    thresholds: dict[str, float] = Field(default_factory=dict, description="For some categories, another score.")
    service_timeout: float = Field(default=5, gt=0, description="Seconds that the service has for an answer.")
    token_env_var: str | None = Field(
        default=None, description="The environment variable that holds the service's token, if it wants one."
    )
