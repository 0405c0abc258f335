"""How batches over streams are made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from numbers import Real

from handrail.errors import InvalidArgumentError, RailBusyError


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How batches are made.

    Attributes:
        size: the most members of a batch.
        wait: seconds that the first member of a batch waits for others; no member waits while a batch is full.
        tokens: the most tokens in a batch; a member that has more goes alone. None for no limit.
        rest: how long the judge rests after a batch, in times that the batch took but at most 0.1 s, unless the next
            one is full. With 1 it works at most half of the time, and no check takes longer than three batches while
            it keeps up; with 0 batches are smaller and more.
        pending: how many may wait on one event loop. One more is an error, which blocks unless `on_error` says else.
        workers: how many batches may be judged at once on one event loop.
        patience: seconds after which a member that waits goes before all that come later, whatever their deadlines.
    """

    size: int = 64
    wait: float = 0.002
    tokens: int | None = None
    rest: float = 1.0
    pending: int = 4096
    workers: int = 1
    patience: float = 30.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            fits = isinstance(value, Real | Decimal) or (value is None and one.name == "tokens")
            InvalidArgumentError.unless(fits, one.name, value, "a number")
        for name in ("size", "pending", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.tokens is not None and self.tokens < 1:
            raise ValueError(f"tokens is {self.tokens}; it must be at least 1")
        for name in ("wait", "rest", "patience"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")

    def refuse_more(self, pending: int, name: str) -> None:
        """Raise if one more cannot wait.

        Raises:
            RailBusyError: as many wait as may.
        """
        if pending >= self.pending:
            raise RailBusyError(
                f"{name}: {pending} checks are waiting already, which is the limit ('pending')", rail=name
            )
