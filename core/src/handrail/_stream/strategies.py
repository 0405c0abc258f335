"""The engine's own strategies: the whole text at once, and one in place of a strategy that cannot be built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from handrail._foreign import ENDS_A_PROGRAM
from handrail._types import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail._protocols import Strategy


class Whole:
    """A strategy that asks once, about the whole text.

    Attributes:
        needs: see `Strategy`; before the end no amount of text is enough.
    """

    needs = 2**62

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._finished = False

    def feed(self, text: str) -> None:
        """Take more text."""
        self._pieces.append(text)

    def finish(self) -> None:
        """Record that no more text will come."""
        self._finished = True

    def window(self) -> Window | None:
        """Return the whole text, once."""
        if not self._finished or not self._pieces:
            return None
        text = "".join(self._pieces)
        self._pieces.clear()
        return Window(text, 0, 0, len(text), len(text), last=True) if text else None


class _Unusable:
    """Raises, whatever it is asked, what building the strategy has raised."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def feed(self, _text: str = "", /) -> NoReturn:
        """Fail."""
        raise self._error

    finish = window = feed


def begin(make: Callable[[], Strategy]) -> Strategy:
    """Return a strategy for one stream: what cannot be built fails when it is asked, as any failing strategy does."""
    try:
        strategy = make()
        hasattr(strategy, "needs"), strategy.feed  # properties may raise, too
    except ENDS_A_PROGRAM:
        raise
    except BaseException as exc:  # noqa: BLE001  # the plugin boundary: it becomes the rail's failure
        return _Unusable(exc)
    return strategy
