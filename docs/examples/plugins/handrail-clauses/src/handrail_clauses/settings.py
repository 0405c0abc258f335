"""The keys beside `strategy: clauses` in `rails.output.streaming`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ClausesSettings(BaseModel):
    """How clauses make up windows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_tokens: int = Field(default=12, ge=1, description="New tokens for which a window waits.")
    longest_clause: int = Field(default=400, ge=40, description="In characters; what is longer is cut.")
