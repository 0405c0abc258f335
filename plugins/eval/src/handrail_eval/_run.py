"""The folder of a run: what was asked for, a record for each row, and how a run that was killed goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from filelock import FileLock, Timeout
from handrail import ConfigurationError

VERDICTS = "verdicts.jsonl"
TIMES = "times.jsonl"
ASKED = "run.json"
LOCK = "run.lock"


class Run:
    """A run's folder, open for writing.

    A line of the verdicts is written after the line of times that belongs to it; what a kill has torn off is cut away.
    Until it is closed no other process may write into the folder.

    Args:
        folder: where to write; it is made if it does not exist.
        asked: what decides the verdicts. A run goes on only if it is the same.

    Raises:
        ConfigurationError: another run is in the folder, or another process writes there.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(_alone_in(folder))
            self.done = min(_whole_lines(folder / VERDICTS), _whole_lines(folder / TIMES))
            _agree(folder / ASKED, json.loads(json.dumps(asked)), is_begun=self.done > 0)
            self._verdicts = stack.enter_context(_opened(folder / VERDICTS, self.done))
            self._times = stack.enter_context(_opened(folder / TIMES, self.done))
            self._open = stack.pop_all()

    def write(self, verdict: Mapping[str, Any], times: Mapping[str, Any]) -> None:
        """Write what came of the next row."""
        for file, record in ((self._times, times), (self._verdicts, verdict)):
            file.write(json.dumps(record, sort_keys=True).encode() + b"\n")
            file.flush()
        self.done += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()


def records_of(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the records of a run, one row after another.

    Raises:
        ConfigurationError: there is no run in the folder.
    """
    if not (folder / VERDICTS).is_file():
        raise ConfigurationError(f"{folder} has no run; make one with 'handrail eval CONFIG DATA --out {folder}'")
    with (folder / VERDICTS).open(encoding="utf-8") as verdicts, (folder / TIMES).open(encoding="utf-8") as times:
        for line, time in zip(verdicts, times, strict=False):
            if line.endswith("\n") and time.endswith("\n"):
                yield json.loads(line), json.loads(time)


@contextmanager
def told_files() -> Iterator[None]:
    """Turn what is wrong with a file, such as a disk that is full, into a message for people.

    Raises:
        ConfigurationError: a file could not be read or written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        told = f"{exc.filename} cannot be read or written" if exc.filename else "a file of the run cannot be written"
        raise ConfigurationError(f"{told}: {exc.strerror or exc}") from exc


def write_whole(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a file, of which a reader finds all or what was there before.

    Args:
        path: where to write.
        text: what.
        mode: who may read it, less what the process's mask takes away.
    """
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode)
    new.write_text(text, encoding="utf-8", errors="replace")
    new.replace(path)


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, in order, without hidden ones, byte code, and runs that were written there."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_file():
            yield entry
        elif entry.is_dir() and not (entry / VERDICTS).exists():
            yield from files_in(entry)


def fingerprint(path: Path, *, without: Collection[Path] = ()) -> str:
    """Return a digest of a file, or of the files in a folder and their names.

    Args:
        path: the file or folder.
        without: files and folders that do not count.
    """
    digest = hashlib.sha256()
    left_out = {other.resolve() for other in without}
    for file in files_in(path) if path.is_dir() else [path]:
        if path.is_dir() and not left_out.isdisjoint((file.resolve(), *file.resolve().parents)):
            continue
        digest.update(f"{file.relative_to(path) if path.is_dir() else file.name}\0".encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        raise ConfigurationError(
            f"{folder} is being written by another run; wait for it, or name another one"
        ) from None


def _agree(path: Path, asked: dict[str, Any], *, is_begun: bool) -> None:
    """Write down what decides the verdicts, or compare it with what decided those that are there."""
    if path.exists():
        try:
            before = dict(json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError):
            raise ConfigurationError(f"{path} is not the file of a run; name another folder by --out") from None
        differ = sorted(name for name in {**before, **asked} if before.get(name) != asked.get(name))
        if differ and is_begun:
            raise ConfigurationError(
                f"{path.parent} has another run (different: {', '.join(differ)}); "
                f"name another folder by --out, or remove that one"
            )
        if not differ:
            return
    write_whole(path, json.dumps(asked, indent=2, sort_keys=True) + "\n")


def _whole_lines(path: Path) -> int:
    """Return how many whole lines a file has."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)


def _opened(path: Path, lines: int) -> IO[bytes]:
    """Open a file to write after so many lines; what follows them is cut away."""
    # Answers that were refused are in here: for whoever runs this, and nobody else.
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    size = sum(len(line) for line in islice(file, lines))
    file.seek(size)
    file.truncate()
    return file
