"""`prices`: what the operator pays for each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from handrail._prices import Price
from handrail.config._section import Section

Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class PriceConfig(Section):
    """One entry of `prices.models`: what a model costs, for a million tokens.

    Attributes:
        input: of the prompt.
        output: of the answer, reasoning included.
        cached: of the part of the prompt that the provider had in its cache; as `input` unless set.
    """

    input: Amount
    output: Amount
    cached: Amount | None = None


class PricesConfig(Section):
    """`prices`.

    Attributes:
        currency: of all amounts.
        models: by the model's name. What a model costs that is not there is not known, and is not counted.
    """

    currency: Annotated[str, Field(min_length=1)] = "USD"
    models: dict[str, PriceConfig] = Field(default_factory=dict)

    def by_model(self) -> Mapping[str, Price]:
        """Return the price of each model."""
        return {
            name: Price(self.currency, entry.input, entry.output, entry.input if entry.cached is None else entry.cached)
            for name, entry in self.models.items()
        }
