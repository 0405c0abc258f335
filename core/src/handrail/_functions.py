"""Rails made of a function, for programs that need no package."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio.to_thread

from handrail._turn import Turn
from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError

RailFunction: TypeAlias = Callable[[str], "object | Awaitable[object]"]


class FunctionRail:
    """A window rail that asks a function of the text.

    The function may be asynchronous; one that is not runs in a thread, since it may block. It returns True to let the
    text pass, False to block it, a text to put in its place, or a `Verdict`.
    """

    def __init__(self, name: str, function: RailFunction) -> None:
        self._name = name
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004  # an object whose __call__ is asynchronous
        )

    async def check(self, window: Window, turn: Turn) -> Verdict:  # noqa: ARG002  # the interface of a window rail
        """Ask the function."""
        result: Any
        if self._is_async:
            result = await self._function(window.text)  # type: ignore[misc]  # asked above
        else:
            result = await anyio.to_thread.run_sync(self._function, window.text, abandon_on_cancel=True)
        return self._verdict(result, window)

    def _verdict(self, result: object, window: Window) -> Verdict:
        if isinstance(result, Verdict):
            return result
        if result is True:
            return Verdict.allow()
        if result is False:
            return Verdict.block(f"{self._name} refused")
        if isinstance(result, str):
            return _rewritten(window, result)
        raise PluginContractError(
            f"the function of rail {self._name!r} returned {result!r}; it must return True, False, a text or a Verdict"
        )


def _rewritten(window: Window, text: str) -> Verdict:
    """Give the smallest edit that makes the window's text the given one."""
    old = window.text
    if text == old:
        return Verdict.allow()
    start = next((i for i, (a, b) in enumerate(zip(old, text, strict=False)) if a != b), min(len(old), len(text)))
    longest = min(len(old), len(text)) - start
    end = next((i for i in range(longest) if old[-1 - i] != text[-1 - i]), longest)
    replacement = text[start : len(text) - end]
    return Verdict.rewrite([Edit(*window.span(start, len(old) - end), replacement)])
