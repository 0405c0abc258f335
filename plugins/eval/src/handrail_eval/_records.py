"""Reads the records of JSON Lines, JSON, CSV and Parquet, one after another, however large a file is."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from handrail import ConfigurationError
from handrail.errors import message_of

KINDS: Final = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")

_LONGEST_LINE: Final = (
    64 * 1024 * 1024
)  # characters; a longer one would take the memory that rows are read one by one to save
_LARGEST_JSON: Final = 256 * 1024 * 1024  # bytes; a list of JSON is read as a whole
_COMMENT: Final = re.compile(r'"?#|sep=.\s*$')
_QUOTED: Final = re.compile('"[^"]*"')
_MARKS: Final = (  # the longer ones first, for one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Record = tuple[str, Mapping[str, Any]]
"""Where a record is, for messages, and its fields."""


def records_of(path: Path) -> Iterator[Record]:
    """Yield the records of a file.

    Raises:
        ConfigurationError: it cannot be read, or is not what its name says.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            yield from _parquet(path)
            return
        with path.open(encoding=_encoding(path), newline="") as file:
            if kind in (".csv", ".tsv"):
                yield from _csv(path, _lines(path, file), "\t" if kind == ".tsv" else "")
            elif kind == ".json":
                yield from _json(path, file)
            else:
                yield from _jsonl(path, _lines(path, file))
    except UnicodeError as exc:
        raise ConfigurationError(
            f"{path} is not valid {_named(exc)}; convert it, for example by "
            f"'iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}'"
        ) from None
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def place_of(error: ValueError) -> str:
    """Return where a text is not JSON, without quoting it."""
    return f"{getattr(error, 'msg', 'not JSON')} at character {getattr(error, 'pos', 0) + 1}"


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8-sig")


def _named(error: UnicodeError) -> str:
    if not isinstance(error, UnicodeDecodeError):
        return "text"
    return f"{error.encoding.upper()} (byte {error.object[error.start]:#04x})"


def _lines(path: Path, file: IO[str]) -> Iterator[str]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if "\0" in line:
            raise ConfigurationError(f"{path}:{number} has NUL characters: it is not text, or UTF-16 without a mark")
        if len(line) == _LONGEST_LINE:
            raise ConfigurationError(f"{path}:{number} exceeds the limit of {_LONGEST_LINE:,} characters in a line")
        yield line


def _jsonl(path: Path, lines: Iterable[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        yield where, _mapping(_loaded(line, where), where)


def _json(path: Path, file: IO[str]) -> Iterator[Record]:
    if path.stat().st_size > _LARGEST_JSON:
        raise ConfigurationError(
            f"{path} is a list that would be read as a whole, and exceeds the limit of {_LARGEST_JSON:,} bytes; make "
            f"it JSON Lines, for example by 'jq -c .[]'"
        )
    text = file.read()
    records = _loaded(text, str(path), "; for JSON Lines name it .jsonl") if text.strip() else []
    if not isinstance(records, list):
        raise ConfigurationError(f"{path} must be a list of objects; for one object a line name it .jsonl")
    for number, record in enumerate(records, 1):
        where = f"{path}, row {number}"
        yield where, _mapping(record, where)


def _loaded(text: str, where: str, hint: str = "") -> object:
    try:
        return json.loads(text)
    except RecursionError:
        raise ConfigurationError(f"{where} is nested too deeply") from None
    except ValueError as exc:
        raise ConfigurationError(f"{where} is not valid JSON: {place_of(exc)}{hint}") from None


def _csv(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_LINE)  # csv's own limit is 131,072, which a long answer exceeds
    before, columns = _before_header(lines)
    shown = (*before, columns)
    reader = csv.reader(chain(shown, lines), delimiter=delimiter or _delimiter(columns), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells):
                continue
            if header is None:
                header = _header(path, cells)
                continue
            where = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise ConfigurationError(f"{where} has {len(cells)} cells, and the header {len(header)}")
            yield where, dict(zip(header, cells, strict=True))
    except csv.Error as exc:
        raise ConfigurationError(f"{path}:{reader.line_num} is not valid CSV: {message_of(exc)}") from None


def _before_header(lines: Iterator[str]) -> tuple[list[str], str]:
    """Return the header, and before it an empty line for each comment and for the `sep=;` of Excel."""
    before: list[str] = []
    for line in lines:
        if line.strip() and not _COMMENT.match(line):
            return before, line
        before.append("\n")
    return before, ""


def _delimiter(header: str) -> str:
    """Return what separates the columns: commas, or where there are none semicolons or tabs."""
    named = _QUOTED.sub("", header)
    return next((mark for mark in (",", ";", "\t") if mark in named), ",")


def _header(path: Path, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if len(header) == 1 and (others := [mark for mark in (";", ",") if mark in header[0]]):
        raise ConfigurationError(
            f"{path} seems to be separated by {others[0]!r}; columns of .tsv are separated by tabs"
        )
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        raise ConfigurationError(f"{path} has two columns named {twice[0]!r}; rename one")
    return header


def _parquet(path: Path) -> Iterator[Record]:
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        raise ConfigurationError(
            f'{path}: Parquet needs pyarrow; install it with: pip install "handrail-eval[parquet]"'
        ) from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=512):
                for record in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", record
    except (ArrowException, OSError, UnicodeError) as exc:
        if isinstance(exc, PermissionError | FileNotFoundError | IsADirectoryError):
            raise
        raise ConfigurationError(
            f"{path} is not valid Parquet after row {number}: {message_of(exc).splitlines()[0]}"
        ) from exc


def _mapping(record: object, where: str) -> Mapping[str, Any]:
    if not isinstance(record, Mapping):
        raise ConfigurationError(f"{where} must be an object with named fields, and is {type(record).__name__}")
    return record
