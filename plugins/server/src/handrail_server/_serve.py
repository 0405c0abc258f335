"""Runs the application in uvicorn: one process or several, with a log that holds no content."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import parent_process
from pkgutil import resolve_name
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from handrail import ConfigurationError, Lock
from handrail_cli import ExitCode, flush_log, log_to_stderr

from handrail_server._app import create_app
from handrail_server._settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

    from handrail_server._gate import Gate

logger = logging.getLogger("handrail.server")

_VARIABLE = "HANDRAIL_SERVER_SETTINGS"  # how the settings reach further processes; it holds no API key
_WRAP = "HANDRAIL_SERVER_WRAP"
_GRACE_SECONDS = 3  # beyond the drain, for the last answers to be told and closed
_YOUNG_OBJECTS = 10_000  # that are made between two looks of the garbage collector
_FIXES = {
    errno.EADDRINUSE: "choose another --port, or stop the process that has it",
    errno.EACCES: "ports below 1024 need privileges; choose a higher --port",
    errno.EADDRNOTAVAIL: "--host is none of this machine's addresses",
}
_OTHER_LOGS = {"uvicorn": logging.WARNING}


def serve(settings: ServerSettings, *, wrap: str | None = None) -> int:
    """Serve until a signal ends it; return the exit code.

    Args:
        settings: what the operator decides.
        wrap: `"package.module:function"` of what puts an application of its own around the server's in every process;
            it is called with the ASGI application and the settings.

    Raises:
        ConfigurationError: the settings, or the default configuration, cannot be used.
    """
    log_to_stderr(others=_OTHER_LOGS)
    Lock.refuse_changed(settings.config)
    with _to_stay():
        app = create_app(settings)  # also for several processes, so that what is wrong is said once and here
        outer = _wrapped(app, settings, wrap)
    if settings.workers > 1:
        return _serve_many(settings, wrap)
    config = _config(settings, lambda: _drained(app, outer))
    server = _Server(config)
    with _listener(config) as listener:
        try:
            server.run([listener])
        except KeyboardInterrupt:
            return ExitCode.OK
        except SystemExit:  # of uvicorn, with a code that means something else here
            return ExitCode.USAGE
    return ExitCode.OK


def app_from_environment() -> ASGIApp:
    """Make the application of a further process."""
    log_to_stderr(others=_OTHER_LOGS)
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    settings = ServerSettings.model_validate_json(os.environ[_VARIABLE])
    with _to_stay():
        app = create_app(settings)
        outer = _wrapped(app, settings, os.environ[_WRAP] or None)
    return _drained(app, outer)


def _wrapped(app: Gate, settings: ServerSettings, wrap: str | None) -> ASGIApp:
    return app if wrap is None else cast("ASGIApp", resolve_name(wrap)(app, settings))


class _Server(uvicorn.Server):
    """Says where it listens, in a line that programs can read."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen."""
        await super().startup(sockets)
        for server in self.servers if self.started else ():
            for listener in server.sockets:
                _say_where(*listener.getsockname()[:2])


def _serve_many(settings: ServerSettings, wrap: str | None) -> int:
    from uvicorn.supervisors import Multiprocess

    os.environ[_VARIABLE] = settings.model_dump_json()
    os.environ[_WRAP] = wrap or ""
    config = _config(settings, "handrail_server._serve:app_from_environment")
    with _listener(config) as listener:
        listener.listen(config.backlog)  # now, so that what comes before the first process is up waits for it
        _say_where(*listener.getsockname()[:2])
        Multiprocess(config, sockets=[listener]).run()
    return ExitCode.OK


def _listener(config: uvicorn.Config) -> socket.socket:
    """Return the socket to listen on.

    Raises:
        ConfigurationError: the address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
    except OSError as exc:
        listener.close()
        fix = f"; {_FIXES[exc.errno]}" if exc.errno in _FIXES else ""
        told = f"cannot listen on {config.host}:{config.port}: {exc.strerror or exc}{fix}"
        raise ConfigurationError(told) from None
    listener.set_inheritable(True)
    return listener


@contextmanager
def _to_stay() -> Generator[None, None, None]:
    """Make what stays until the end of the process, and keep the garbage collector from ever looking at it.

    The modules of a model's client alone are some hundred thousand objects; each look at all of them would stop every
    stream for longer than most checks take. What a request makes mostly dies young, but not before 700 more objects
    are made, which is when Python looks first: it would look at most of it three times.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        gc.enable()


def _end_with_parent() -> None:
    """End this process, in good order, when the one that started it is gone: else it would keep the port."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _drained(app: Gate, outer: ASGIApp) -> ASGIApp:
    """Have the application told of a signal before uvicorn, whose handlers stand already, stops listening."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _then(signal.getsignal(number), app.lifecycle.begin_drain))
    return _Logged(outer)


class _Logged:
    """An application that has its log written when it ends: uvicorn ends the process by the signal, and at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self._app(scope, receive, send)
        if scope["type"] == "lifespan":
            flush_log()


def _then(usual: Any, first: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        first()
        if callable(usual):
            usual(number, frame)

    return handle


def _say_where(address: str, port: int) -> None:
    logger.info("listening at http://%s:%s", f"[{address}]" if ":" in address else address, port)


def _config(settings: ServerSettings, factory: Callable[[], ASGIApp] | str) -> uvicorn.Config:
    return uvicorn.Config(
        factory,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        server_header=False,
        log_config=None,
        ws="none",
        http="handrail_server._connections:Http",
        timeout_graceful_shutdown=int(settings.drain_seconds) + _GRACE_SECONDS,
        timeout_keep_alive=int(settings.limits.idle_seconds) + _GRACE_SECONDS,  # ours comes first
    )
