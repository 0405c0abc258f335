"""What a configuration may say under `observers.otel`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class OTelSettings(BaseModel):
    """`observers.otel`.

    Attributes:
        config_name: how spans and metrics name the configuration; its folder's name unless set.
        content: what spans of models have of prompts and answers: nothing, their SHA-256, the texts as the rails of
            `mask` leave them, or the texts in full. What rails refuse to users is in these texts, too.
        mask: rails that mask contents, in order; one that refuses a text takes its place.
        content_characters: how many of a text.
        callers: how many callers metrics tell apart; later ones are "other".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    config_name: str | None = None
    content: Literal["none", "hashed", "masked", "full"] = "none"
    mask: Annotated[tuple[str, ...], Field(min_length=1)] = ("personal data check", "secret check")
    content_characters: Annotated[int, Field(ge=1)] = 10_000
    callers: Annotated[int, Field(ge=0)] = 100
