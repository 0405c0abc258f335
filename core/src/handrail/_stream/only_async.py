"""What is asynchronous refuses `for` and `with`, and its error has the statement to write."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn


class OnlyAsync:
    """An object that is iterated with `async for`, and refuses `for` with an error that says so."""

    __slots__ = ()

    def __iter__(self) -> NoReturn:
        raise TypeError("a guarded stream is asynchronous: write 'async for', or use rails.generate()")


class OnlyAsyncBlock:
    """An object that is entered with `async with`, and refuses `with` with an error that says so."""

    __slots__ = ()

    def __enter__(self) -> NoReturn:
        raise TypeError("a guarded stream is asynchronous: write 'async with'")

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Never reached; a `with` statement looks for it before it enters."""
