"""The files of a record: written in the process that decides, forced to the disk in a thread, rotated by size."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from handrail_audit._chain import Chain

logger = logging.getLogger("handrail.audit")


class Files:
    """Appends lines. Each process and configuration writes files of its own, so that none has to wait.

    A line is one write of the operating system: it is whole or not there, whenever the process is killed. That it
    survives a loss of power is what the thread sees to, which has the system write files out.

    Args:
        folder: where files are written; it is made if it is not there.
        key: of the chain.
        header: what the first line of each file says.
        max_bytes: how long a file may become.
        sync_seconds: how long a line may wait before it is forced to the disk.
    """

    def __init__(
        self, folder: Path, key: bytes, header: Mapping[str, object], *, max_bytes: int, sync_seconds: float
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._header = dict(header)
        self._max_bytes = max_bytes
        self._sync_seconds = sync_seconds
        self._chain = Chain(key)
        self._own = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(3)}"
        self._file: int | None = None
        self._name = ""
        self._count = self._size = 0
        self._unsynced = threading.Event()
        self._closed = threading.Event()
        self._full: list[int] = []  # files that are full, and not forced to the disk yet
        self._lock = threading.Lock()  # around the numbers of files
        self._thread: threading.Thread | None = None

    def write(self, fields: Mapping[str, object]) -> bytes:
        """Append a line, and return it; when this returns no kill of the process takes it back.

        Raises:
            OSError: it could not be written.
        """
        if self._file is None or self._size >= self._max_bytes:
            self._open_next()
        line = self._chain.line(fields)
        self._append(line)
        self._unsynced.set()
        return line

    def close(self) -> None:
        """Force everything to the disk; returns when it is there."""
        self._closed.set()
        self._unsynced.set()
        if self._thread is not None:
            self._thread.join()
        self._sync()
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _append(self, line: bytes) -> None:
        if self._file is None:  # pragma: no cover  # the caller has opened it
            return
        written = os.write(self._file, line)
        if written != len(line):  # the disk is full; what is there of the line is found by `verify`
            os.write(self._file, b"\n")
            raise OSError(f"{self._name}: only {written} of {len(line)} bytes of a line could be written")
        self._size += written

    def _open_next(self) -> None:
        before, self._count = self._name, self._count + 1
        self._name = f"audit-{self._own}-{self._count:04}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        opened = os.open(self._folder / self._name, flags, 0o600)
        with self._lock:
            if self._file is not None:
                self._full.append(self._file)
            self._file = opened
        self._size = 0
        self._append(self._chain.line({**self._header, **({"follows": before} if before else {})}))
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
            if self._file is not None:
                files.append(os.dup(self._file))
        for file in files:
            try:
                os.fsync(file)
            except OSError as exc:
                logger.warning("the record of decisions could not be forced to the disk: %s", exc.strerror)
            finally:
                os.close(file)
