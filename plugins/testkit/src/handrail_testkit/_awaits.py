"""Meddling with the awaits of a check: cancelling it there, failing it there, or holding it there."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any

import anyio

MOST_AWAITS = 24
"""At how many places a check is meddled with at most."""


class Meddled:
    """Awaits something, and does something else when it waits for the nth time.

    Args:
        awaited: what is awaited.
        place: n, from 1.

    Attributes:
        left: how often it has still to wait before that.
        reached: whether it has waited so often, and something was done.
    """

    def __init__(self, awaited: Awaitable[Any], place: int) -> None:
        self.reached = False
        self._awaited = awaited
        self.left = place

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaited.__await__()
        try:
            waits_for = next(inner)
            while True:
                self.left -= 1
                self.reached |= (now := self.left == 0)
                if now:
                    self.begin()
                try:
                    sent = yield waits_for
                    if now:
                        yield from self.end()
                except BaseException as error:  # noqa: BLE001  # whatever the event loop throws is for the check
                    waits_for = inner.throw(error)
                else:
                    waits_for = inner.send(sent)
        except StopIteration as ended:
            return ended.value

    def begin(self) -> None:
        """Do something as it begins to wait."""

    def end(self) -> Generator[Any, Any, None]:
        """Do something once what it has waited for has come, and before the check learns of it."""
        return
        yield


class Cancelled(Meddled):
    """Cancels a scope at the nth await."""

    def __init__(self, awaited: Awaitable[Any], place: int) -> None:
        super().__init__(awaited, place)
        self.scope = anyio.CancelScope()

    def begin(self) -> None:
        """Cancel the scope."""
        self.scope.cancel()


class Failed(Meddled):
    """Raises an error at the nth await, as a connection does that breaks."""

    def end(self) -> Generator[Any, Any, None]:
        """Raise the error, unless it waits for a lock or for the tasks of a group: nothing fails there."""
        if _functions_in(self._awaited) & {"__aexit__", "acquire"}:
            self.reached = False
            return
        raise ConnectionResetError("the test has cut the connection")
        yield


class Held(Meddled):
    """Stays at the nth await until it is let go.

    Attributes:
        held: set when it stays there, or has ended without.
        go_on: set it to let it go.
    """

    def __init__(self, awaited: Awaitable[Any], place: int) -> None:
        super().__init__(awaited, place)
        self.held = anyio.Event()
        self.go_on = anyio.Event()

    def end(self) -> Generator[Any, Any, None]:
        """Wait to be let go."""
        self.held.set()
        yield from self.go_on.wait().__await__()


def _functions_in(awaited: object) -> set[str]:
    """Return the names of the functions that something waits in."""
    names: set[str] = set()
    while awaited is not None:
        names.add(getattr(awaited, "__name__", ""))
        awaited = next((getattr(awaited, part) for part in _WAITS_IN if hasattr(awaited, part)), None)
    return names


_WAITS_IN = ("cr_await", "gi_yieldfrom", "ag_await")
