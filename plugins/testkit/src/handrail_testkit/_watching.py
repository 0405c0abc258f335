"""A watchdog over the tests of a suite: what hangs fails, says where, and is not tried again."""

from __future__ import annotations

import faulthandler
import gc
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import anyio

STANDSTILL = 30.0
"""Seconds for which the thread of the tests may be held by one thing at most."""

TICKS = 10
"""Parts in which they are counted: however long the whole process was stopped, with its machine, counts as one."""

AGAIN = 1.0
"""Seconds after which what has caught the first alarm and goes on is interrupted again."""

SOON = 0.05
"""Seconds after which the alarm rings again that has rung where no error gets out."""

PUT_OFF = 40
"""How many times it is put off for that reason at most."""


class HungError(Exception):
    """Something that a suite tests has not come to an end."""


class _Interruption(BaseException):
    """Raised in whatever holds the thread; no `Exception`, so that this does not take it for a failure of its work."""


@contextmanager
def patience(seconds: float, what: str) -> Iterator[None]:
    """Wait for what is inside for so long, be it held up in an await or in the thread.

    Raises:
        HungError: it has not come to an end by then.
    """
    with _alarm(1.5 * seconds + 0.5, what):  # what can be cancelled has been by then
        with anyio.move_on_after(seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise HungError(f"{what} has not come to an end in {seconds:g} seconds")


@contextmanager
def watchdog(seconds: float = STANDSTILL) -> Iterator[None]:
    """Fail what is inside if it holds the thread for so long."""
    with _alarm(seconds, "what this test runs"):
        yield


@contextmanager
def _alarm(seconds: float, what: str) -> Iterator[None]:
    """Set an alarm, and afterwards whichever was set before again."""
    if not _can_be_interrupted():
        with _last_words(seconds):
            yield
        return

    alarm = _Alarm(seconds, what)
    handler = signal.signal(signal.SIGALRM, alarm.ring)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds / TICKS, seconds / TICKS)
    try:
        yield
    finally:
        alarm.is_over = True  # if it has just rung, that is none of those outside
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, left, every)
        if alarm.rung is not None:  # whoever has caught it, and taken it for a failure of the rail
            raise HungError(alarm.rung)


class _Alarm:
    """Interrupts whatever holds the thread for too long.

    Attributes:
        rung: what has held it, and where; None if nothing has.
        is_over: it does not ring any more.
    """

    def __init__(self, seconds: float, what: str) -> None:
        self.rung: str | None = None
        self.is_over = False
        self._told = f"{what} has held the thread for {seconds:g} seconds; it is at\n"
        self._ticks_left = TICKS
        self._put_off_left = PUT_OFF

    def ring(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Count, and when all parts of the time are over, raise an error where the thread is.

        Raises:
            _Interruption: the thread is held.
        """
        self._ticks_left -= 1
        if self.is_over or self._ticks_left > 0:
            return
        if _loop_waits(frame):  # whatever it waits for can be cancelled, and an error here would end the loop itself
            return
        if self._put_off_left > 0 and _errors_are_lost(frame):
            self._put_off_left -= 1
            signal.setitimer(signal.ITIMER_REAL, SOON, AGAIN)
            return
        signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
        self.rung = self._told + "".join(traceback.format_stack(frame, limit=3))
        raise _Interruption(self.rung)


@contextmanager
def _last_words(seconds: float) -> Iterator[None]:
    """End the process where a thread that cannot be helped hangs, and at least say where it is."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _loop_waits(frame: FrameType | None) -> bool:
    """Return whether the thread is not held at all: the event loop waits for something to happen."""
    if frame is not None and frame.f_globals.get("__name__") == "selectors":
        frame = frame.f_back
    name = str(frame.f_globals.get("__name__")) if frame is not None else ""
    return name.startswith(("asyncio.", "trio._core."))


_OF_WEAK_REFERENCES = ("weakref", "_weakrefset")  # their callbacks among them, which nothing tells from the rest


def _errors_are_lost(frame: FrameType | None) -> bool:
    """Return whether Python only prints an error raised here: in a finalizer, a callback of the collector or of a weak
    reference.
    """
    of_collections = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        if frame.f_code in of_collections or frame.f_code.co_name == "__del__":
            return True
        if frame.f_globals.get("__name__") in _OF_WEAK_REFERENCES:
            return True
        frame = frame.f_back
    return False


def _can_be_interrupted() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def hang_in(error: BaseException | None) -> HungError | None:
    """Return the hang that an error tells of, in a group of errors too."""
    if isinstance(error, BaseExceptionGroup):
        return next((hang for each in error.exceptions if (hang := hang_in(each))), None)
    return error if isinstance(error, HungError) else None
