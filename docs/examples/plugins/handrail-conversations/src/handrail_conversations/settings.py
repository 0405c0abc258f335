"""What a configuration may write under `rails.config.<rail>`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StrikesSettings(BaseModel):
    """What a warning is for, and how many there are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    phrases: tuple[str, ...] = Field(min_length=1, description="What a user is warned for saying, in any case.")
    strikes: int = Field(default=3, ge=1, description="After how many warnings the conversation is over.")
    conversations: int = Field(default=10_000, ge=1, description="How many conversations are remembered at once.")


class PseudonymsSettings(BaseModel):
    """What pseudonyms depend on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    salt: str = Field(default="", max_length=64, description="Make it your own: without it, who guesses can check.")
