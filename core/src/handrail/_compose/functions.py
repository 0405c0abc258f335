"""Rails made of a function, for programs that need no package."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio.to_thread

from handrail._specs import DIRECTIONS
from handrail._stream.outcome import DEFERRED
from handrail._turn import Turn
from handrail._types import Edit, Verdict, Window
from handrail.errors import ConfigurationError, InvalidArgumentError, PluginContractError, message_of

RailFunction: TypeAlias = Callable[[str], "object | Awaitable[object]"]


class FunctionRail:
    """A window rail that asks a function of the text.

    The function may be asynchronous; one that is not runs in a thread, since it may block. It returns True to let the
    text pass, False to block it, a text to put in its place, or a `Verdict`.

    Args:
        name: the rail's name.
        function: the function.
        rewrites: False if it must not return a text.
    """

    def __init__(self, name: str, function: RailFunction, *, rewrites: bool = True) -> None:
        self._name = name
        self._function = function
        self._rewrites = rewrites
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
            if not self._rewrites and result != window.text:
                raise PluginContractError(
                    f"the function of rail {self._name!r} returned a text, but is registered with rewrites=False"
                )
            return rewritten(window, result)
        raise PluginContractError(
            f"the function of rail {self._name!r} returned {type(result).__name__!r}; "
            f"it must return True, False, a text or a Verdict"
        )


def require_name_and_direction(name: object, direction: object) -> None:
    """Check the name of a rail, which `@register_rail` without parentheses leaves out, and what it guards.

    Raises:
        ConfigurationError: the name is not a text, or the direction is none.
    """
    if not isinstance(name, str):
        raise ConfigurationError(
            f"register_rail takes the rail's name first, not a value of type {type(name).__name__!r}; "
            "write @rails.register_rail('NAME') above the function"
        )
    if not name.strip():
        raise ConfigurationError("register_rail takes the rail's name first, and it is empty; give it one")
    if direction not in DIRECTIONS:
        raise ConfigurationError(f"rail {name!r} is registered for {direction!r}; it must be 'input' or 'output'")


def require_function_of_text(name: str, function: object) -> None:
    """Check that a rail can ask a function, as far as its signature tells.

    Raises:
        ConfigurationError: it is not a function, or not one of a text alone.
    """
    if not callable(function):
        raise ConfigurationError(
            f"rail {name!r} is registered with a value of type {type(function).__name__!r}; pass a function of the text"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C have none
        return
    try:
        signature.bind("")
    except TypeError as exc:
        why = f"cannot be called with the text alone: {message_of(exc)}; write 'def rail(text):'"
        raise ConfigurationError(f"the function of rail {name!r} {why}") from exc


def rewritten(window: Window, text: str) -> Verdict:
    """Return the verdict that puts a text in place of what a window shows.

    What a rail would make of the whole text cannot be told from what it makes of parts. So in a window that is not all
    of it the verdict asks for the whole; a rail that uses this is registered with `RailSpec(rewrites="whole")`.
    """
    InvalidArgumentError.unless(isinstance(window, Window), "window", window, "the Window that a rail was asked about")
    InvalidArgumentError.unless(isinstance(text, str), "text", text, "text")
    if text == window.text:
        return Verdict.allow()
    if window.context_start == 0 and window.last:
        return Verdict.rewrite([Edit(0, window.end, text)])
    return DEFERRED
