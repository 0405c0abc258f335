"""Counting work and memory, so that no test needs a clock: the lines that run, the bytes that are kept."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

_SHARED = (type, ModuleType, CodeType, BuiltinFunctionType)


def lines_run(function: Callable[..., object], *arguments: object) -> int:
    """Run a function, and count the lines of Python that this takes, those of everything it calls included."""
    count = 0

    def trace(frame: object, event: str, argument: object) -> Any:  # noqa: ARG001
        nonlocal count
        count += 1
        return trace

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # what a collection runs, such as finalizers of others, is no part of it
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return count


def bytes_kept(owner: object, *, besides: Iterable[object] = ()) -> int:
    """Count the bytes of everything that an object keeps alive, but for what these others keep alive too."""
    seen: dict[int, object] = {}
    for other in besides:
        _walk(other, seen)
    return _walk(owner, seen)


def _walk(root: object, seen: dict[int, object]) -> int:
    size, waiting = 0, [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _SHARED):
            continue
        seen[id(item)] = item
        size += sys.getsizeof(item)
        waiting += _parts(item)
    return size


def _parts(item: object) -> Iterable[object]:
    if isinstance(item, FunctionType):  # not its globals, which are the module's
        return (*(item.__closure__ or ()), item.__defaults__, item.__kwdefaults__, item.__dict__)
    return gc.get_referents(item)
