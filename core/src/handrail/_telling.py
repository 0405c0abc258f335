"""Tells observers what happens in a call; one that raises is logged, left out, and disturbs nothing."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from handrail._foreign import ENDS_A_PROGRAM
from handrail._observers import CallEnded, ObservedCall, Observer, Released
from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from types import TracebackType

    from handrail._events import Blocked, RailFailed
    from handrail._llm_call import LLMCall
    from handrail._records import CheckRecord

logger = logging.getLogger("handrail")

T = TypeVar("T")

_ENDS_IT = (*ENDS_A_PROGRAM, GeneratorExit)

METHODS = tuple(name for name in vars(Observer) if not name.startswith("_"))


def given_observers(observers: Iterable[object]) -> tuple[object, ...]:
    """Return the observers that a program gives, each of which can be told something.

    Raises:
        InvalidArgumentError: they are no list, or one is a class, has no method of `Observer` or has one that is
            `async def`.
    """
    if not isinstance(observers, Iterable):
        raise InvalidArgumentError(
            f"observers takes a list of observers, not {type(observers).__name__}; write [...] around it"
        )
    members = tuple(observers)
    for member in members:
        if isinstance(member, type):
            raise InvalidArgumentError(
                f"observers takes objects, not the class {member.__name__!r}; write {member.__name__}()"
            )
        if not Observers([member]):
            methods = ", ".join(METHODS)
            raise InvalidArgumentError(
                f"the observer {type(member).__name__!r} has none of the methods of Observer: {methods}"
            )
        if fault := never_awaited(member):
            raise InvalidArgumentError(fault)
    return members


def never_awaited(member: object) -> str | None:
    """Return what is wrong with an observer of which methods are `async def`: they would be called, and never run."""
    found = [name for name in METHODS if inspect.iscoroutinefunction(getattr(member, name, None))]
    if not found:
        return None
    one = f"the observer {type(member).__name__!r} has {', '.join(found)} as 'async def'"
    return f"{one}; write 'def', and hand what takes longer to a task or a thread of its own"


class Observers:
    """The observers of one `LLMRails`.

    Attributes:
        members: those that are told, and those that have failed.
    """

    def __init__(self, members: Iterable[object] = ()) -> None:
        self.members = tuple(members)
        self._hooks: dict[str, tuple[Callable[..., Any], ...]] = {name: tuple(self._having(name)) for name in METHODS}

    def __bool__(self) -> bool:
        return any(self._hooks.values())

    def having(self, method: str) -> bool:
        """Return whether any of them has a method."""
        return bool(self._hooks[method])

    def tell(self, method: str, call: ObservedCall, *told: object) -> None:
        """Call a method of each. One that raises is not called again."""
        for hook in self._hooks[method]:
            try:
                hook(call, *told)
            except _ENDS_IT:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary: an observer disturbs nothing
                self.leave_out(hook, exc)

    def around(self, method: str, call: ObservedCall, record: object) -> AbstractContextManager[None]:
        """Return what enters what a method of each returns, and can change nothing of what is raised inside."""
        guarded: list[_Guarded] = []
        for hook in self._hooks[method]:
            try:
                if (found := hook(call, record)) is not None:
                    guarded.append(_Guarded(found))
            except _ENDS_IT:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as in `tell`
                self.leave_out(hook, exc)
        return guarded[0] if len(guarded) == 1 else _All(guarded)

    def leave_out(self, hook: Callable[..., object], error: BaseException) -> None:
        """Log an observer that has failed, and tell it nothing more. What it was told is in no log."""
        failed = getattr(hook, "__self__", hook)
        for name, hooks in self._hooks.items():
            self._hooks[name] = tuple(other for other in hooks if getattr(other, "__self__", other) is not failed)
        logger.error("observer %s failed and is told nothing more: %s", type(failed).__name__, type(error).__name__)

    def _having(self, name: str) -> Iterator[Callable[..., Any]]:
        for member in self.members:
            method = getattr(member, name, None)
            if callable(method) and getattr(type(member), name, None) is not getattr(Observer, name):
                yield method


class Telling:
    """Tells the observers of one call.

    Args:
        observers: whom.
        call: of which call.
        ended: returns how it ended, of which it is told the duration.
        is_over: returns whether it has ended: the provider is closed, and no check runs.

    Attributes:
        stop: the first refusal or failure of which they were told.
    """

    def __init__(
        self,
        observers: Observers,
        call: ObservedCall,
        ended: Callable[[float], CallEnded],
        is_over: Callable[[], bool] = bool,
    ) -> None:
        self.call = call
        self.stop: Blocked | RailFailed | None = None
        self.surrounds_checks = observers.having("around_check")
        self.surrounds_models = observers.having("around_model")
        self._tells_releases = observers.having("released")
        self._observers = observers
        self._ended = ended
        self._started = time.monotonic()
        self._running: dict[int, CheckRecord] = {}  # checks of which the end was not told
        self._begun = self._over = self._gave = False
        self._is_over = is_over

    def begin(self) -> None:
        """Notify the observers that the call begins."""
        self._begun = True
        self._observers.tell("call_begun", self.call)

    def look(self) -> None:
        """Notify the observers if the call has ended."""
        if self._is_over():
            self.end()

    def end(self) -> None:
        """Notify the observers, once, that the call has ended."""
        if self._over or not self._begun:
            return
        self._over = True
        ended = self._ended(time.monotonic() - self._started)
        for record in tuple(self._running.values()):  # a session that nobody has finished
            record.finished_at = record.finished_at or time.time()
            self.check_ended(record)
        self._observers.tell("call_ended", self.call, ended)

    def check_begun(self, record: CheckRecord) -> None:
        """Notify the observers that a rail is asked."""
        self._running[id(record)] = record
        self._observers.tell("check_begun", self.call, record)

    def check_ended(self, record: CheckRecord) -> None:
        """Notify the observers of what a rail said, and of its beginning, too, if it was cancelled before that."""
        if self._running.pop(id(record), None) is None:
            self._observers.tell("check_begun", self.call, record)
        self._observers.tell("check_ended", self.call, record)

    def model_asked(self, request: LLMCall) -> None:
        """Notify the observers of a request to a model."""
        self._observers.tell("model_asked", self.call, request)

    def model_answered(self, request: LLMCall) -> None:
        """Notify the observers of how it ended."""
        self._observers.tell("model_answered", self.call, request)

    def stopped(self, stop: Blocked | RailFailed) -> None:
        """Notify the observers that a rail ends the call."""
        self.stop = self.stop or stop
        self._observers.tell("stopped", self.call, stop)

    def released(self, items: Iterable[object]) -> None:
        """Notify the observers of text, reasoning or arguments that went out."""
        if not self._tells_releases or not (characters := sum(map(_size, items))):
            return
        first, self._gave = not self._gave, True
        self._observers.tell("released", self.call, Released(characters, time.monotonic() - self._started, first))

    def first_released(self, items: Iterable[object]) -> None:
        """Notify as `released` does, unless something went out before."""
        if self._tells_releases and not self._gave:
            self.released(items)

    def around_check(self, record: CheckRecord) -> AbstractContextManager[None]:
        """Return what is entered around a rail's work."""
        return self._observers.around("around_check", self.call, record)

    def around_model(self, request: LLMCall) -> AbstractContextManager[None]:
        """Return what is entered around a request to a model."""
        return self._observers.around("around_model", self.call, request)


def told_first(take: Callable[[str], T], telling: Telling | None) -> Callable[[str], T]:
    """Return a function that takes text; where somebody observes, it tells of the first that goes out."""
    if telling is None:
        return take

    def tell(text: str) -> T:
        out = take(text)
        if out is None or out:
            telling.first_released((text,))
        return out

    return tell


def _size(item: object) -> int:
    return len(item if isinstance(item, str) else getattr(item, "text", getattr(item, "arguments", "")))


class _Guarded(AbstractContextManager[None]):
    """A context manager of an observer's, which can neither raise nor swallow anything."""

    __slots__ = ("_inner",)

    def __init__(self, inner: AbstractContextManager[object]) -> None:
        self._inner: AbstractContextManager[object] | None = inner

    def __enter__(self) -> None:
        try:
            if self._inner is not None:
                self._inner.__enter__()
        except _ENDS_IT:
            raise
        except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as in `tell`
            self._fail(exc)

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._inner is not None:
                self._inner.__exit__(kind, raised, traceback)
        except _ENDS_IT:
            raise
        except BaseException as exc:  # noqa: BLE001  # the plugin boundary; what was raised inside goes on by itself
            if exc is not raised:
                self._fail(exc)

    def _fail(self, exc: BaseException) -> None:
        self._inner = None
        logger.error("what an observer put around a check or a request failed: %s", type(exc).__name__)


class _All(AbstractContextManager[None]):
    """Enters guarded context managers in order, and leaves them in the opposite one."""

    def __init__(self, members: Sequence[_Guarded]) -> None:
        self._members = members

    def __enter__(self) -> None:
        for member in self._members:
            member.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for member in reversed(self._members):
            member.__exit__(kind, raised, traceback)
