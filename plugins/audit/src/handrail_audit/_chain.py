"""A chain of lines: each has the hash of itself and of the one before, so that none can be changed or taken out."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGINNING = "0" * 64
PATTERN = "audit-*.jsonl"
_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


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
        """Return the next line."""
        said = _encode({**fields, "previous": self.previous})
        self.previous = seal(self._key, said)
        return f'{said[:-1]},"hash":"{self.previous}"}}\n'.encode("ascii")


def seal(key: bytes, said: str) -> str:
    """Return the hash of a line as it is written, without its own hash."""
    raw = said.encode("ascii")
    return hmac.digest(key, raw, "sha256").hex() if key else hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that does not fit.

    Attributes:
        file: which file it is in.
        line: its number, from 1.
        kind: "changed" if its hash is not its own, "missing" if one before it is not there, "torn" if it is no line.
    """

    file: Path
    line: int
    kind: str


def verify(folder: Path, key: bytes = b"") -> Iterator[Fault]:
    """Yield every line of a record that does not fit.

    Lines at the end of a process's last file can be taken away without a trace here; keep the last hash elsewhere.
    """
    ends: dict[str, str] = {}  # by file name, the last hash in it
    for file in sorted(folder.glob(PATTERN)):
        previous: str | None = None
        for number, raw in enumerate(file.read_bytes().splitlines(keepends=True), 1):
            fields = parsed(raw)
            if fields is None:
                yield Fault(file, number, "torn")
                continue
            said = raw.decode("ascii", "replace")
            if seal(key, said[: said.rindex(',"hash":"')] + "}") != fields["hash"]:
                yield Fault(file, number, "changed")
            expected = ends.get(str(fields.get("follows"))) if previous is None else previous
            if fields["previous"] != (expected or BEGINNING):
                yield Fault(file, number, "missing")
            previous = ends[file.name] = str(fields["hash"])


def lines(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the decisions of a record, the oldest file's first; torn lines are left out."""
    for file in sorted(folder.glob(PATTERN)):
        for raw in file.read_bytes().splitlines(keepends=True):
            fields = parsed(raw)
            if fields is not None and "rail" in fields:
                yield fields


def parsed(raw: bytes) -> Mapping[str, Any] | None:
    """Return what a line says; None if it is torn."""
    try:
        fields = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    sound = isinstance(fields, dict) and isinstance(fields.get("hash"), str) and "previous" in fields
    return fields if sound else None
