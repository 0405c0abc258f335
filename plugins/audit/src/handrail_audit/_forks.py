"""What a process does that was forked from one which writes: it begins anew, for threads and locks stay behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from weakref import WeakMethod


def begin_after_fork(begin: Callable[[], None]) -> None:
    """Have a bound method called in every process that is forked from this one, as long as its object lives."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=partial(_call, WeakMethod(begin)))


def _call(method: WeakMethod[Callable[[], None]]) -> None:
    begin = method()
    if begin is not None:
        begin()
