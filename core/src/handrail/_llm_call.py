"""One request to a language model, as the journal of a call has it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handrail._types import Usage

if TYPE_CHECKING:
    from handrail._prices import Price
    from handrail._types import CountTokens

_COUNTED_WHOLE = 32_768  # characters, which any vocabulary counts within the ten milliseconds that the loop may be held
_SAMPLES, _SAMPLE = 64, 512
_MOST_TOKENS = 2**53  # up to which sums and prices are exact


@dataclass(slots=True)
class LLMCall:
    """One request to a language model, by the main generation or by a rail.

    Attributes:
        task: what it was for: "general" for the answer, else the rail's task such as "self_check_output".
        engine: the engine's name in the configuration.
        model: the model's name.
        prompt: the messages as text.
        completion: the answer as far as it came.
        started_at, finished_at: seconds since the epoch.
        duration: seconds.
        id: the provider's id of the request, where it gave one.
        reported: its tokens, if the provider said so.
        count_tokens: counts tokens where it did not.
        aside: reasoning and tool calls, as text that such a count takes into account.
        model_type: the type of the model in the configuration.
        failure: the kind of error with which the request failed; empty if it did not.
        price: what the model costs; None if the configuration does not say.
    """

    task: str
    engine: str
    model: str
    prompt: str
    completion: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    duration: float = 0.0
    id: str | None = None
    reported: Usage | None = None
    count_tokens: CountTokens | None = field(default=None, repr=False, compare=False)
    aside: str = field(default="", repr=False)
    model_type: str = ""
    failure: str = ""
    price: Price | None = None

    def close(self, completion: str, reported: Usage | None, duration: float, aside: str = "") -> None:
        """Write down how the request ended."""
        self.completion = completion
        self.aside = aside
        self.reported = reported
        self.duration = duration
        self.finished_at = time.time()

    @property
    def cost(self) -> float | None:
        """What it has cost, in the currency of `price`; None if the price or the tokens are not known."""
        return None if self.price is None else self.price.of(self.reported)

    @property
    def usage(self) -> Usage:
        """Its tokens: as reported, else counted here, when it is asked for, and marked as estimated."""
        if self.reported is None:
            if self.count_tokens is None:
                return Usage()
            output_tokens = sum(_counted(text, self.count_tokens) for text in (self.completion, self.aside) if text)
            self.reported = Usage(_counted(self.prompt, self.count_tokens), output_tokens, estimated=True)
        return self.reported


def told_usage(usage: object) -> Usage | None:
    """Return the tokens that a provider reports; None for what cannot be numbers of tokens, which are counted then."""
    if not isinstance(usage, Usage):
        return None
    counts: tuple[object, ...] = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
    )
    return usage if all(isinstance(count, int) and 0 <= count < _MOST_TOKENS for count in counts) else None


def _counted(text: str, count: CountTokens) -> int:
    """Return the tokens of a text; of a very long one those of samples, evenly spread, for nothing waits for it."""
    if len(text) <= _COUNTED_WHOLE:
        return count(text)
    starts = [len(text) * number // _SAMPLES for number in range(_SAMPLES)]
    sampled = sum(count(text[start : start + _SAMPLE]) for start in starts)
    return round(sampled * len(text) / (_SAMPLES * _SAMPLE))
