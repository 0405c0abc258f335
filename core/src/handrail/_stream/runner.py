"""What drives a gate: three runners with one interface, and which of them a stream needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from handrail.errors import HandrailError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.steps import Item

Cut: TypeAlias = Callable[[Exception], None]
"""Ends a call from outside, with this error, soon."""

ONE_READER = "another task is already waiting for this stream; only one at a time may read it"
FROM_INSIDE = "a rail or a provider cannot read or close the stream that it is part of"


class Lifetime(Protocol):
    """What a runner says when a call begins and ends, and what may end it from outside.

    Attributes:
        deadline: when the call must have ended, on the loop's clock.
    """

    deadline: float

    def begin(self, stop: Cut, is_inside: Callable[[], bool] | None = None) -> None:
        """Begin; `is_inside` says whether the code that asks is part of the call.

        Raises:
            RailsClosedError: no call may begin any more.
        """
        ...

    def end(self) -> None:
        """End; more than once is harmless."""
        ...


class Runner(Protocol):
    """Drives a gate: reads the provider, asks the rails, and gives out what is delivered.

    Attributes:
        gate: what it drives.
    """

    gate: Gate

    async def take(self) -> list[Item]:
        """Wait until something goes out, and return all of it; an empty list is the end.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
        """
        ...

    async def aclose(self) -> None:
        """End the stream; returns when the provider is closed and no check runs."""
        ...


def what_broke(gate: Gate, fatal: BaseException | None = None) -> None:
    """Raise what broke a stream that has ended, once.

    Raises:
        BaseException: that.
    """
    error, gate.error = fatal or gate.error, None
    if error is None and not gate.ended:
        gate.abandon()
        error = HandrailError("the stream stopped before all of its text was checked")
    if error is not None and (fatal is not None or gate.stop is None):
        raise error
