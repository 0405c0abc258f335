"""What requests to models cost, by the prices that the operator gives. No price is known otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail._types import Usage

_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, for a million tokens.

    Attributes:
        currency: of the amounts, such as "USD".
        input, output: of the prompt and of the answer, reasoning included.
        cached: of the part of the prompt that the provider had in its cache.
    """

    currency: str
    input: float
    output: float
    cached: float

    def of(self, usage: Usage | None) -> float | None:
        """Return what tokens cost; None unless the provider has reported them, for an estimate is no bill."""
        if usage is None or usage.estimated:
            return None
        cached = min(usage.cached_tokens, usage.input_tokens)
        fresh = usage.input_tokens - cached
        return (self.input * fresh + self.cached * cached + self.output * usage.output_tokens) / _TOKENS
