"""A chain of lines: each has the hash of itself and of the one before, so that none can be changed or taken out."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.errors import InvalidArgumentError

BEGINNING = "0" * 64
PATTERN = "audit-*.jsonl"
PAGE = 4096  # bytes; larger pages end where some of these do
_HASH = ',"hash":"'
_LONGEST = 128  # bytes of a name
_NO_YEAR = 1e11  # seconds since the epoch, which no calendar here has
_IN_ALL = ("call", "rail", "direction", "decision")  # texts that each decision has


def _kind(value: object) -> str:
    """Return what stands for a value that JSON does not have, such as an enumeration's: never what it says."""
    return type(value).__name__


_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":"), default=_kind).encode


def bounded(name: str) -> str:
    """Return a name; of a long one the beginning and a hash, so that a line fits into a page and names stay apart."""
    raw = name.encode("utf-8", "surrogatepass")
    return name if len(raw) <= _LONGEST else f"{name[: _LONGEST // 4]}...{hashlib.sha256(raw).hexdigest()[:16]}"


class Chain:
    """Makes the lines of one file.

    Args:
        key: with a key nobody who lacks it can make a line that fits; without one a line shows accidents only.
        previous: the hash that the first line follows.
    """

    def __init__(self, key: bytes = b"", previous: str = BEGINNING) -> None:
        self._key = key
        self.previous = previous

    def line(self, fields: Mapping[str, object]) -> bytes:
        """Return the next line. It has at least one field."""
        said = f'{_encode(fields)[:-1]},"previous":"{self.previous}"}}'.encode("ascii")
        self.previous = seal(self._key, said)
        return sealed(said, self.previous)


def seal(key: bytes, said: bytes) -> str:
    """Return the hash of a line as it is written, without its own hash."""
    return hmac.digest(key, said, "sha256").hex() if key else hashlib.sha256(said).hexdigest()


def sealed(said: bytes, own: str) -> bytes:
    """Return a line with its own hash at its end."""
    return said[:-1] + f'{_HASH}{own}"}}\n'.encode("ascii")


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that does not fit.

    Attributes:
        file: which file it is in.
        line: its number, from 1; 0 for a fault of no line.
        kind: "changed" if its hash is not its own, "missing" if one before it is not there, "moved" if it is not in its
            place, "renamed" if its file had another name, "torn" if it is no line, "lost" if decisions before it could
            not be written, "absent" if no line has a hash that one must have.
    """

    file: Path
    line: int
    kind: str


@dataclass(frozen=True, slots=True)
class End:
    """Where the record of a process ends.

    Attributes:
        file: its last file.
        hash: that of its last line, to be kept elsewhere: lines after it can be taken away without a trace here.
        closed: True if the process closed its record; else it runs still, was killed, or its last lines are gone.
    """

    file: Path
    hash: str
    closed: bool


@dataclass(slots=True)
class Record:
    """A record that is checked.

    Attributes:
        faults: the lines that do not fit.
        lines: how many lines there are.
        ends: where the record of each process ends.
    """

    faults: list[Fault]
    lines: int
    ends: list[End]


def verify(folder: Path, key: bytes = b"", *, has: Collection[str] = ()) -> Iterator[Fault]:
    """Yield every line of a record that does not fit.

    Lines at the end of a process's last file can be taken away without a trace here; keep the last hash elsewhere.

    Args:
        folder: the folder of the record.
        key: that of the chain.
        has: hashes of lines that must be there.
    """
    yield from checked(folder, key, has=has).faults


def checked(folder: Path, key: bytes = b"", *, has: Collection[str] = ()) -> Record:
    """Check a record; see `verify`."""
    found, ends, missing = Record([], 0, []), dict[str, End](), set(has)
    followed: set[str] = set()
    for file in files(folder):
        raws = raw_lines(file)
        read = [parsed(raw) for raw in raws.values()]
        hashes = {fields["hash"] for fields in read if fields is not None}
        missing -= hashes
        found.lines += len(raws)
        first = next((fields for fields in read if fields is not None), {})
        before = ends.get(follows := str(first.get("follows", "")))
        followed.add(follows)
        previous = before.hash if before is not None else BEGINNING
        for (number, raw), fields in zip(raws.items(), read, strict=True):
            if fields is None:
                found.faults.append(Fault(file, number, "torn"))
                continue
            kinds = _kinds(file, raw, fields, key, previous, hashes)
            found.faults += [Fault(file, number, kind) for kind in kinds]
            previous = fields["hash"]
            ends[file.name] = End(file, previous, "closed" in fields)
    found.faults += [Fault(folder / f"hash {own}", 0, "absent") for own in sorted(missing)]
    found.ends = [end for name, end in ends.items() if name not in followed]
    return found


def _kinds(
    file: Path, raw: bytes, fields: Mapping[str, Any], key: bytes, previous: str, hashes: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with a line."""
    said = raw[: raw.rfind(_HASH.encode())] + b"}"
    if not hmac.compare_digest(raw, sealed(said, seal(key, said))):
        yield "changed"
    if fields["previous"] != previous:
        yield "moved" if fields["previous"] in hashes else "missing"
    if fields.get("file", file.name) != file.name:
        yield "renamed"
    if "lost" in fields:
        yield "lost"


def lines(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the decisions of a record, the oldest file's first; what is torn or no decision is left out."""
    for file in files(folder):
        for raw in raw_lines(file).values():
            fields = parsed(raw)
            if fields is not None and _is_decision(fields):
                yield fields


def _is_decision(fields: Mapping[str, Any]) -> bool:
    at = fields.get("at")
    is_time = isinstance(at, int | float) and 0 <= at < _NO_YEAR
    return is_time and all(isinstance(fields.get(name), str) for name in _IN_ALL)


def parsed(raw: bytes) -> Mapping[str, Any] | None:
    """Return what a line says; None if it is torn."""
    try:
        fields = json.loads(raw) if raw.endswith(b"\n") else None
    except (RecursionError, ValueError):
        return None
    sound = isinstance(fields, dict) and isinstance(fields.get("hash"), str) and isinstance(fields.get("previous"), str)
    return fields if sound else None


def raw_lines(file: Path) -> Mapping[int, bytes]:
    """Return the lines of a file by their numbers, without white space that fills a page up to its end."""
    found: dict[int, bytes] = {}
    end = 0
    for number, raw in enumerate(file.read_bytes().splitlines(keepends=True), 1):
        end += len(raw)
        if end % PAGE or raw.strip():
            found[number] = raw
    return found


def files(folder: Path) -> list[Path]:
    """Return the files of a record, the oldest first."""
    InvalidArgumentError.unless(isinstance(folder, Path), "folder", folder, "a Path")
    return sorted((file for file in folder.glob(PATTERN) if file.is_file()), key=_place)


def _place(file: Path) -> tuple[str, int, str]:
    """Return what files are sorted by: their process, and then their number, which may have any number of digits."""
    return file.stem.rpartition("-")[0], len(file.name), file.name
