"""Rails made of a function, for programs that need no package."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any, TypeAlias

import anyio.to_thread

from handrail._turn import Turn
from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError

_WORD = re.compile(r"\w")
_PIECES = re.compile(r"\w+|\W")

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
            (result,) = await anyio.to_thread.run_sync(self._called, window.text, abandon_on_cancel=True)
        if inspect.isawaitable(result):
            result = await result
        return self._verdict(result, window)

    def _called(self, text: str) -> tuple[object]:
        return (self._function(text),)  # trio takes no coroutine from a thread, unless it is wrapped

    def _verdict(self, result: object, window: Window) -> Verdict:
        if isinstance(result, Verdict):
            return result
        if result is True:
            return Verdict.allow()
        if result is False:
            return Verdict.block(f"{self._name} refused")
        if isinstance(result, str):
            return rewritten(window, result)
        raise PluginContractError(
            f"the function of rail {self._name!r} returned {result!r}; it must return True, False, a text or a Verdict"
        )


def rewritten(window: Window, text: str) -> Verdict:
    """Give the verdict that makes a window's text the given one, in edits that windows which overlap agree on."""
    if text == window.text:
        return Verdict.allow()
    if window.start == 0 and window.last:  # the whole text at once: there is nothing to tell apart
        return Verdict.rewrite([Edit(0, window.end, text)])
    edits: list[tuple[int, int, str]] = []
    for start, end, replacement in _differences(window.text, text):
        if edits and not _WORD.search(window.text, edits[-1][1], start):  # no word between them: which is whose is open
            begin, middle, before = edits.pop()
            edits.append((begin, end, before + window.text[middle:start] + replacement))
        else:
            edits.append((start, end, replacement))
    settled = (_settled(window.text, *edit) for edit in edits)
    return Verdict.rewrite(Edit(*window.span(start, end), replacement) for start, end, replacement in settled)


def _differences(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Give what to replace, word by word: start, end and replacement."""
    before, after = _PIECES.findall(old), _PIECES.findall(new)
    starts = [0, *accumulate(map(len, before))]
    for tag, i, j, k, m in SequenceMatcher(None, before, after).get_opcodes():
        if tag != "equal":
            yield starts[i], starts[j], "".join(after[k:m])


def _settled(text: str, start: int, end: int, replacement: str) -> tuple[int, int, str]:
    """Give the edit in the one of its equal forms that windows which overlap agree on.

    Without it, "a Bob b" could lose " Bob" in one window and "Bob " in the next.
    """
    while start < end and replacement and text[end - 1] == replacement[-1]:
        end, replacement = end - 1, replacement[:-1]
    while start < end and replacement and text[start] == replacement[0]:
        start, replacement = start + 1, replacement[1:]
    while start and not replacement and text[start - 1] == text[end - 1]:
        start, end = start - 1, end - 1
    return start, end, replacement
