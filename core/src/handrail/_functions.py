"""Rails made of a function, for programs that need no package."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any, TypeAlias

import anyio.to_thread

from handrail._turn import Turn
from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

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
        if inspect.isawaitable(result):
            result = await result
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
    """Give edits, word by word, that make the window's text the given one.

    An edit that an earlier window made already must come out the same again, and apart from new ones.
    """
    if text == window.text:
        return Verdict.allow()
    if window.start == 0 and window.last:  # the whole text at once: there is nothing to tell apart
        return Verdict.rewrite([Edit(0, window.end, text)])
    old, new = _WORDS.findall(window.text), _WORDS.findall(text)
    starts = [0, *accumulate(map(len, old))]
    return Verdict.rewrite(
        Edit(*window.span(starts[i], starts[j]), "".join(new[k:m]))
        for tag, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes()
        if tag != "equal"
    )
