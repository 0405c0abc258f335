"""Reads rows one after another from JSONL, CSV, Parquet, or a folder of these, however large."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError

from handrail_eval._fields import FIELDS, Source
from handrail_eval._rows import Row, label_of, spans_of

_KINDS: Final = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
_LONGEST_FIELD: Final = 64 * 1024 * 1024  # characters; csv's own limit is 131,072, which a long answer exceeds


def read_rows(paths: Iterable[Path], sources: Mapping[str, Source] | None = None) -> Iterator[Row]:
    """Yield the rows of files and folders, in order.

    Args:
        paths: files, and folders whose files are read in the order of their names.
        sources: where fields come from; a field that is not named is the column of its name, if there is one.

    Raises:
        ConfigurationError: a file cannot be read, is empty, or a row does not have the form that it must have.
    """
    index = 0
    for path in files_of(paths):
        before = index
        for where, record in _records(path):
            yield _row(index, where, record, sources or {})
            index += 1
        if index == before:
            raise ConfigurationError(f"{path} has no rows")


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, and those in folders that are named.

    Raises:
        ConfigurationError: one does not exist, is of an unknown kind, or a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in _KINDS and file.is_file())
            if not inside:
                raise ConfigurationError(f"{path} has no files of the kinds {', '.join(_KINDS)}")
            found += inside
        elif not path.exists():
            raise ConfigurationError(f"{path} does not exist")
        elif path.suffix.lower() not in _KINDS:
            raise ConfigurationError(f"{path} is of an unknown kind; the kinds are {', '.join(_KINDS)}")
        else:
            found.append(path)
    return found


def _records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = path.suffix.lower()
    if kind == ".parquet":
        yield from _parquet(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if kind in (".csv", ".tsv"):
                yield from _csv(path, file, "\t" if kind == ".tsv" else ",")
            elif kind == ".json":
                yield from _json(path, file.read())
            else:
                yield from _jsonl(path, file)
    except UnicodeDecodeError as exc:
        raise ConfigurationError(
            f"{path} is not valid UTF-8 (byte {exc.object[exc.start]:#04x}); convert it, for example by "
            f"'iconv -f latin1 -t utf-8'"
        ) from None
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc.strerror}") from exc


def _jsonl(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except ValueError as exc:
            raise ConfigurationError(f"{where} is not valid JSON: {_told(exc)}") from None
        yield where, _mapping(record, where)


def _json(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        records = json.loads(text) if text.strip() else []
    except ValueError as exc:
        raise ConfigurationError(f"{path} is not valid JSON: {_told(exc)}; for JSON Lines name it .jsonl") from None
    if not isinstance(records, list):
        raise ConfigurationError(f"{path} must be a list of objects; for one object a line name it .jsonl")
    for number, record in enumerate(records, 1):
        where = f"{path}, row {number}"
        yield where, _mapping(record, where)


def _csv(path: Path, lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(lines, delimiter=delimiter)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells):
                continue
            if header is None:
                if not cells[0].startswith("#"):  # a comment before the header
                    header = cells
                continue
            where = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise ConfigurationError(f"{where} has {len(cells)} cells, and the header {len(header)}")
            yield where, dict(zip(header, cells, strict=True))
    except csv.Error as exc:
        raise ConfigurationError(f"{path}:{reader.line_num} is not valid CSV: {exc}") from None


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        from pyarrow import ArrowInvalid, parquet  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        raise ConfigurationError(
            f"{path}: Parquet needs pyarrow; install it with: pip install 'handrail-eval[parquet]'"
        ) from None
    try:
        number = 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=512):
                for record in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", record
    except ArrowInvalid as exc:
        raise ConfigurationError(f"{path} is not valid Parquet: {str(exc).splitlines()[0]}") from exc


def _row(index: int, where: str, record: Mapping[str, Any], sources: Mapping[str, Source]) -> Row:
    def read(field: str) -> Any:
        source = sources.get(field)
        return record.get(field) if source is None else source.read(record, where)

    fields = {field: read(field) for field in FIELDS}
    messages, response = _conversation(fields, where)
    tool_calls = _tool_calls(_decoded(fields["tool_calls"], where), where)
    reasoning = _text(fields["reasoning"], "reasoning", where) or ""
    if response is None and not messages and not tool_calls and not reasoning:
        raise ConfigurationError(
            f"{where} has neither a prompt nor a response; the columns are {', '.join(map(str, record))}; say which "
            f"is which by --map, for example --map response=answer"
        )
    return Row(
        index=index,
        id=str(index if fields["id"] in (None, "") else fields["id"]),
        where=where,
        messages=messages,
        response=response if response is not None or not (tool_calls or reasoning) else "",
        reasoning=reasoning,
        tool_calls=tool_calls,
        label=label_of(fields["label"], where),
        category=str(fields["category"] or ""),
        language=str(fields["language"] or ""),
        spans=spans_of(_decoded(fields["spans"], where), len(response or ""), where),
    )


def _conversation(fields: Mapping[str, Any], where: str) -> tuple[tuple[Mapping[str, Any], ...], str | None]:
    """Return the messages before the answer, and the answer: where no column has it, the assistant's last message."""
    response = _text(fields["response"], "response", where)
    messages = _decoded(fields["messages"], where) or []
    if not isinstance(messages, list) or not all(isinstance(entry, Mapping) and "role" in entry for entry in messages):
        raise ConfigurationError(f"{where}: messages must be a list of objects with 'role' and 'content'")
    if response is None and messages and messages[-1]["role"] == "assistant":
        response = _text(messages[-1].get("content"), "the last message", where) or ""
        messages = messages[:-1]
    prompt = _text(fields["prompt"], "prompt", where)
    if prompt and not messages:
        messages = [{"role": "user", "content": prompt}]
    return tuple(messages), response


def _tool_calls(calls: object, where: str) -> tuple[tuple[str, str], ...]:
    found = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function", call) if isinstance(call, Mapping) else {}
        if "name" not in function:
            raise ConfigurationError(f"{where}: tool_calls must be a list of objects with 'name' and 'arguments'")
        arguments = function.get("arguments", "")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        found.append((str(function["name"]), text))
    return tuple(found)


def _decoded(value: object, where: str) -> object:
    """Return a value that CSV can only write as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except ValueError as exc:
        raise ConfigurationError(f"{where}: a cell that must be JSON is not: {_told(exc)}") from None


def _text(value: object, field: str, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ConfigurationError(f"{where}: {field} must be a text, and is {type(value).__name__}")


def _mapping(record: object, where: str) -> Mapping[str, Any]:
    if not isinstance(record, Mapping):
        raise ConfigurationError(f"{where} must be an object with named fields, and is {type(record).__name__}")
    return record


def _told(error: ValueError) -> str:
    return f"{getattr(error, 'msg', 'not JSON')} at character {getattr(error, 'pos', 0) + 1}"
