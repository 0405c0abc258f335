"""The files of a record: written in the process that decides, forced to the disk in a thread, rotated by size."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from handrail_audit._chain import PAGE, Chain
from handrail_audit._forks import begin_after_fork

logger = logging.getLogger("handrail.audit")

_WRITTEN = ".handrail-written"  # by which a server that loads changed configurations again knows what is none


class Files:
    """Appends lines, from any thread. Each process and configuration writes files of its own, so that none has to wait.

    A line is one write of the operating system within one page, so it is whole or not there, whenever the process is
    killed: between two pages a kill can end a write. A page is filled up with white space where the next line does not
    fit into it. That lines survive a loss of power is what the thread sees to, which has the system write files out.
    A file that somebody has moved, deleted, changed or closed is left for a new one, which says what it follows.

    Args:
        folder: where files are written; it is made if it is not there.
        key: of the chain.
        header: what the first line of each file says.
        max_bytes: how long a file may become.
        sync_seconds: how long a line may wait before it is forced to the disk, and how long it may be unnoticed that
            somebody has taken the file.

    Raises:
        OSError: nothing can be written in the folder.
    """

    def __init__(
        self, folder: Path, key: bytes, header: Mapping[str, object], *, max_bytes: int, sync_seconds: float
    ) -> None:
        _make(folder)
        with tempfile.TemporaryFile(dir=folder):  # else a folder that is read-only would be noticed by what is lost
            pass
        self._folder = folder
        self._key = key
        self._header = dict(header)
        self._max_bytes = max_bytes
        self._sync_seconds = sync_seconds
        self._begin()
        begin_after_fork(self._begin)

    def _begin(self) -> None:
        """Have no file yet, as a process does when it begins, be it by a fork."""
        self._chain = Chain(self._key)
        self._own = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(3)}"
        self._file: int | None = None
        self._name = ""
        self._count = self._size = self._lost = 0
        self._is_torn = False
        self._looks_at = 0.0  # for what others have done to the file, on the monotonic clock
        self._writing = threading.Lock()  # a line follows the one before it, whichever threads write them
        self._unsynced = threading.Event()
        self._closed = threading.Event()
        self._full: list[int] = []  # files that are full, and not forced to the disk yet
        self._lock = threading.Lock()  # around the numbers of files
        self._thread: threading.Thread | None = None

    def write(self, fields: Mapping[str, object]) -> bytes:
        """Append a line, and return it; when this returns no kill of the process takes it back.

        Raises:
            OSError: it could not be written; the next line that can says how many were lost.
        """
        with self._writing:
            try:
                if self._file is None or self._size >= self._max_bytes or self._is_taken():
                    self._open_next()
                line = self._append_anywhere({**fields, "lost": self._lost} if self._lost else fields)
            except OSError:
                self._lost += 1
                raise
            self._lost = 0
        if not self._unsynced.is_set():  # cheaper than to set it again; the thread clears it before it forces
            self._unsynced.set()
        return line

    def close(self) -> None:
        """Write that the record is closed, and force everything to the disk; returns when it is there.

        A line that comes later begins a further file, such as that of a program which closes one of two `LLMRails` that
        share an observer.
        """
        self._closed.set()
        self._unsynced.set()
        if self._thread is not None:
            self._thread.join()
        with self._writing, self._lock:
            if self._file is not None:
                with suppress(OSError):  # of a disk that is full: then the record has no end, which `verify` says
                    self._append({"closed": time.time(), **({"lost": self._lost} if self._lost else {})})
                self._full.append(self._file)
                self._file = None
            self._thread = None
            self._closed.clear()
        self._sync()

    def _is_taken(self) -> bool:
        """Return whether somebody has moved, deleted or changed the file; looked for now and then."""
        now = time.monotonic()
        if now < self._looks_at or self._file is None:
            return False
        try:
            own, there = os.fstat(self._file), (self._folder / self._name).stat()
            is_taken = not os.path.samestat(own, there) or own.st_size != self._size
        except OSError as exc:
            is_taken = isinstance(exc, FileNotFoundError)
        if not is_taken:
            self._looks_at = now + self._sync_seconds
        return is_taken

    def _append_anywhere(self, fields: Mapping[str, object]) -> bytes:
        """Write a line; into the next file if something else in the process has closed this one."""
        try:
            return self._append(fields)
        except OSError as exc:
            if exc.errno != errno.EBADF:
                raise
        with self._lock:
            self._file = None
        self._open_next()
        return self._append(fields)

    def _append(self, fields: Mapping[str, object]) -> bytes:
        """Write a line; one that cannot be written whole is no part of the chain."""
        if self._file is None:  # pragma: no cover  # the caller has opened it
            raise OSError("no file is open")
        previous = self._chain.previous
        line = self._chain.line(fields)
        text = b"\n" + line if self._is_torn else line
        try:
            room = PAGE - self._size % PAGE
            if room < len(text) <= PAGE:
                self._size += os.write(self._file, b"\n".rjust(room))
            written = os.write(self._file, text)
            self._size += written
            if written != len(text):  # the disk is full; `verify` finds what is there of the line
                self._is_torn = written != self._is_torn
                raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes of a line could be written")
        except OSError:
            self._chain.previous = previous
            raise
        self._is_torn = False
        return line

    def _open_next(self) -> None:
        """Open the next file, with a first line that says which file it is and which one it follows.

        Raises:
            OSError: it could not be; then lines still go where they went before.
        """
        name = f"audit-{self._own}-{self._count + 1:04}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        before = self._file, self._is_torn, self._size
        _make(self._folder)
        opened = os.open(self._folder / name, flags, 0o600)
        with self._lock:
            self._file, self._is_torn, self._size = opened, False, 0
        try:
            self._append({**self._header, "file": name, **({"follows": self._name} if self._name else {})})
        except OSError:
            with self._lock:
                self._file, self._is_torn, self._size = before
            _close(opened)
            (self._folder / name).unlink()
            raise
        with self._lock:
            self._full += [before[0]] if before[0] is not None else []
        self._name, self._count = name, self._count + 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="handrail-audit", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._unsynced.wait()
            self._closed.wait(self._sync_seconds)
            self._sync()

    def _sync(self) -> None:
        """Force everything to the disk; nobody who writes waits for it."""
        self._unsynced.clear()
        with self._lock:
            files, self._full = self._full, []
            try:
                files += [os.dup(self._file)] if self._file is not None else []
            except OSError as exc:  # too many are open; with the next line it is tried again
                _log_unforced(exc)
        for file in files:
            try:
                os.fsync(file)
            except OSError as exc:
                _log_unforced(exc)
            finally:
                _close(file)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / _WRITTEN).exists():
        (folder / _WRITTEN).touch(mode=0o600)


def _close(file: int) -> None:
    with suppress(OSError):  # of a file that something else has closed
        os.close(file)


def _log_unforced(exc: OSError) -> None:
    logger.warning("the record of decisions could not be forced to the disk: %s", exc.strerror)
