"""The settings of the rails, below `rails.config.<rail>`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class SelfCheckSettings(BaseModel):
    """Settings of one self check; everything else is said by its prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cache_size: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0,
        description="How many of the judge's latest answers are remembered for prompts that are the same; 0: none.",
    )
