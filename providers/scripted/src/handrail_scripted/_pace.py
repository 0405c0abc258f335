"""When the tokens of an answer are due."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_scripted._settings import Chunking, Pace, ScriptedUsage


@dataclass(frozen=True, slots=True)
class Tempo:
    """How one answer is sent, every question decided. Times are in seconds."""

    tokens_per_second: float = 0.0
    delay: float = 0.0
    first_token_delay: float = 0.0
    jitter: float = 0.0
    seed: int = 0
    chunking: Chunking = "token"
    usage: bool | ScriptedUsage = True

    @classmethod
    def of(cls, *paces: Pace) -> Tempo:
        """Take each setting from the first of the paces that has it."""
        fields = cls.__slots__
        found = {name: [value for pace in paces if (value := getattr(pace, name)) is not None] for name in fields}
        return cls(**{name: values[0] for name, values in found.items() if values})

    @property
    def waits(self) -> bool:
        """Whether there is any wait at all."""
        return bool(self.tokens_per_second or self.delay or self.first_token_delay)

    def timetable(self, tokens: int, question: str) -> list[float] | None:
        """Return when token 1, 2 ... is due, in seconds from the start; entry 0: when the model responds at all.

        The jitter follows from the seed and the question, so it is the same whatever other streams there are.
        None if nothing waits.
        """
        if not self.waits:
            return None
        each = 1 / self.tokens_per_second if self.tokens_per_second else 0.0
        waits = [self.delay, self.first_token_delay + each, *[each] * (tokens - 1)]
        if self.jitter:
            random = Random(f"{self.seed} {question}")  # noqa: S311  # reproducible on purpose
            waits = [wait * random.uniform(1 - self.jitter, 1 + self.jitter) for wait in waits]
        return list(accumulate(waits))
