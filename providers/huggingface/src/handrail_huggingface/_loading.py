"""A model that is loaded once, in a thread of its own, when it is first needed."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol

from handrail_huggingface._failures import as_provider_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail_huggingface._local_model import LocalModel
    from handrail_huggingface._turns import Turns

_log = logging.getLogger("handrail")


class ModelSource(Protocol):
    """Where a stream gets its model from, and the queue before it."""

    @property
    def name(self) -> str:
        """What to call the model in messages."""
        ...

    @property
    def turns(self) -> Turns:
        """The queue that every stream of the model goes through."""
        ...

    def wait(self, has_left: Callable[[], bool], say_loading: Callable[[], None]) -> LocalModel | None:
        """Return the model, in a worker thread; None if `has_left` came first. Says so once if it takes a while."""
        ...

    def look_again(self) -> None:
        """Let those who wait ask `has_left` again."""
        ...


class ReadyModel:
    """A model that somebody has loaded already."""

    def __init__(self, model: LocalModel, turns: Turns) -> None:
        self._model = model
        self.turns = turns
        self.name = model.name

    def wait(self, *_: object) -> LocalModel:
        """Return the model."""
        return self._model

    def look_again(self) -> None:
        """Nobody waits."""


class LazyModel:
    """A model that is loaded by a function. Those who wait may leave; the loading goes on for those who stay."""

    def __init__(self, name: str, load: Callable[[], LocalModel], turns: Turns) -> None:
        self.name = name
        self.turns = turns
        self._load = load
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._model: LocalModel | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        """Begin to load, unless that has happened. After a failure it is tried again."""
        with self._changed:
            if self._thread is None and self._model is None:
                self._error = None
                self._thread = threading.Thread(target=self._run, name="handrail-huggingface-load", daemon=True)
                self._thread.start()

    def wait(self, has_left: Callable[[], bool], say_loading: Callable[[], None]) -> LocalModel | None:
        """Return the model.

        Raises:
            Exception: what loading it raised.
        """
        if self._model is not None:
            return self._model
        self.start()
        say_loading()
        with self._changed:
            self._changed.wait_for(lambda: has_left() or self._thread is None)
            if self._model is None and self._error is not None:
                raise self._error
            return self._model

    def look_again(self) -> None:
        """Let those who wait ask `has_left` again."""
        with self._changed:
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until nothing is being loaded."""
        with self._changed:
            self._changed.wait_for(lambda: self._thread is None)

    def _run(self) -> None:
        started = time.monotonic()
        _log.info("loading the model %r", self.name)
        try:
            self._model = self._load()
        except Exception as exc:  # noqa: BLE001  # those who wait get it
            self._error = exc
            _log.error("the model %r could not be loaded: %s", self.name, exc)
        except BaseException as exc:
            self._error = as_provider_error(exc, self.name)
            raise
        else:
            _log.info("loaded the model %r in %.1f s", self.name, time.monotonic() - started)
        finally:
            with self._changed:
                self._thread = None
                self._changed.notify_all()
