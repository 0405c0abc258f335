"""The choice of the next token."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail_tiny._llama import Array
    from handrail_tiny.settings import TinyParameters

Sampler: TypeAlias = "Callable[[Array], int]"


def sampler(parameters: TinyParameters) -> Sampler:
    """Compile the parameters into a function from logits to a token."""
    if parameters.temperature == 0:
        return _likeliest
    rng = np.random.default_rng(parameters.seed)

    def draw(logits: Array) -> int:
        order = np.argsort(-logits)[: parameters.top_k or None]
        scaled = logits[order].astype(np.float64) / parameters.temperature
        chances = np.exp(scaled - scaled[0])
        chances /= chances.sum()
        kept = int(np.searchsorted(np.cumsum(chances), parameters.top_p)) + 1
        chances = chances[:kept] / chances[:kept].sum()
        return int(order[rng.choice(len(chances), p=chances)])

    return draw


def _likeliest(logits: Array) -> int:
    return int(logits.argmax())
