"""`rails.config.<rail>.when`: a rail that judges only what the score of a rail before it leaves open."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from handrail.config._section import Section, reject

_EXAMPLE = "0.3..0.9"


def _range(value: Any) -> Any:
    """Turn `0.3..0.9` into its two ends; what cannot be one is left to be refused."""
    if isinstance(value, str):
        ends = value.split("..")
        try:
            return tuple(float(end) for end in ends) if len(ends) == 2 else value
        except ValueError:
            return value
    return value


ScoreRange = Annotated[
    tuple[float, float],
    BeforeValidator(_range),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[\d.]+?\s*\.\.\s*[\d.]+\s*$"},
                {
                    "type": "array",
                    "items": {"type": "number", "minimum": 0, "maximum": 1},
                    "minItems": 2,
                    "maxItems": 2,
                },
            ]
        }
    ),
]


class When(Section):
    """When a rail judges at all.

    Attributes:
        rail: a rail that scores, before this one in the same list of flows.
        score: from which score of that rail on this one is asked, and from which on it need not be any more. Below, the
            text passes; from the upper end on, it is refused.
    """

    rail: str = Field(min_length=1)
    score: ScoreRange

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = self.score
        if not all(map(math.isfinite, self.score)) or not 0 <= low < high <= 1:
            reject("score", f"is {low}..{high}; it must be a range between 0 and 1, such as {_EXAMPLE}")
        return self
