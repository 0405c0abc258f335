"""What a configuration may write under `parameters` of a model with the engine `teleprinter`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TeleprinterSettings(BaseModel):
    """Where the teleprinter is, and how long it may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Where the teleprinter is.")
    port: int = Field(ge=1, le=65535, description="Its port.")
    line_timeout: float = Field(default=60, gt=0, description="Seconds that may pass until the next line.")
    max_tokens: int | None = Field(default=None, ge=1, description="The longest answer, unless a call says otherwise.")
