"""What a configuration may say under `observers.otel`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class OTelSettings(BaseModel):
    """`observers.otel`.

    Attributes:
        config_name: how spans and metrics name the configuration; its folder's name unless set.
        content: "hashed" to have the SHA-256 of prompts and answers in the spans of models. Texts are never in them.
        callers: how many callers metrics tell apart; later ones are "other".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    config_name: str | None = None
    content: Literal["none", "hashed"] = "none"
    callers: Annotated[int, Field(ge=0)] = 100
