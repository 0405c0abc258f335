"""What a configuration may say under `observers.otel`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Price(BaseModel):
    """What a model costs, for a million tokens.

    Attributes:
        input, output: of the prompt and of the answer.
        cached: of the part of the prompt that the provider had in its cache; as `input` unless set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Amount
    output: Amount
    cached: Amount | None = None


class OTelSettings(BaseModel):
    """`observers.otel`.

    Attributes:
        config_name: how spans and metrics name the configuration; its folder's name unless set.
        content: "hashed" to have the SHA-256 of prompts and answers in the spans of models. Texts are never in them.
        callers: how many callers metrics tell apart; later ones are "other".
        prices: by model. A model that is not there costs nothing that anybody knows, and is not counted.
        currency: of the prices.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    config_name: str | None = None
    content: Literal["none", "hashed"] = "none"
    callers: Annotated[int, Field(ge=0)] = 100
    prices: dict[str, Price] = Field(default_factory=dict)
    currency: str = "USD"
