"""Reads rows one after another from files and folders, however large."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError
from handrail.errors import InvalidArgumentError

from handrail_eval._fields import FIELDS, Source, is_nan
from handrail_eval._records import KINDS, place_of, records_of
from handrail_eval._rows import Row, label_of, spans_of
from handrail_eval._run import files_in

_PYTHON: Final = re.compile(r"""[\[({\s]*'""")


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
        for where, record in records_of(path):
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
    is_list = isinstance(paths, Iterable) and not isinstance(paths, str)
    InvalidArgumentError.unless(is_list, "paths", paths, "a list of Paths")
    for path in paths:
        InvalidArgumentError.unless(isinstance(path, Path), "paths", path, "Paths alone")
        if path.is_dir():
            inside = [file for file in files_in(path) if file.suffix.lower() in KINDS]
            if not inside:
                raise ConfigurationError(f"{path} has no files of the kinds {', '.join(KINDS)}")
            found += inside
        elif not path.exists():
            raise ConfigurationError(f"{path} does not exist")
        elif path.suffix.lower() not in KINDS:
            raise ConfigurationError(f"{path} is of an unknown kind; the kinds are {', '.join(KINDS)}")
        else:
            found.append(path)
    return found


def left_out(paths: Iterable[Path]) -> list[Path]:
    """Return the files in folders that are named whose kind is unknown, of which no row is read."""
    return [file for path in paths if path.is_dir() for file in files_in(path) if file.suffix.lower() not in KINDS]


def _row(index: int, where: str, record: Mapping[str, Any], sources: Mapping[str, Source]) -> Row:
    fields = {field: _read(field, where, record, sources) for field in FIELDS}
    messages, response = _conversation(fields, where)
    tool_calls = _tool_calls(_decoded(fields["tool_calls"], f"{where}: tool_calls"), where)
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
        spans=spans_of(_decoded(fields["spans"], f"{where}: spans"), len(response or ""), where),
    )


def _read(field: str, where: str, record: Mapping[str, Any], sources: Mapping[str, Source]) -> Any:
    source = sources.get(field)
    value = record.get(field) if source is None else source.read(record, where)
    return None if is_nan(value) else value


def _conversation(fields: Mapping[str, Any], where: str) -> tuple[tuple[Mapping[str, Any], ...], str | None]:
    """Return the messages before the answer, and the answer: where no column has it, the assistant's last message."""
    response = _text(fields["response"], "response", where)
    messages = _decoded(fields["messages"], f"{where}: messages") or []
    if not isinstance(messages, list) or not all(map(_is_message, messages)):
        raise ConfigurationError(f"{where}: messages must be a list of objects with 'role' and 'content'")
    if response is None and messages and messages[-1]["role"] == "assistant":
        response = _text(messages[-1].get("content"), "the last message", where) or ""
        messages = messages[:-1]
    prompt = _text(fields["prompt"], "prompt", where)
    if prompt and not messages:
        messages = [{"role": "user", "content": prompt}]
    return tuple(messages), response


def _is_message(entry: object) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get("role"), str)


def _tool_calls(calls: object, where: str) -> tuple[tuple[str, str], ...]:
    if calls is None:
        return ()
    found = []
    for call in calls if isinstance(calls, list) else (calls,):
        function = call.get("function", call) if isinstance(call, Mapping) and isinstance(calls, list) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise ConfigurationError(f"{where}: tool_calls must be a list of objects with 'name' and 'arguments'")
        arguments = function.get("arguments") or ""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        found.append((function["name"], text))
    return tuple(found)


def _decoded(value: object, where: str) -> object:
    """Return a value that CSV can only write as JSON; `where` names the field, too."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except ValueError as exc:
        hint = "; it looks like Python's repr: write it with json.dumps" if _PYTHON.match(value) else ""
        raise ConfigurationError(f"{where} must be JSON: {place_of(exc)}{hint}") from None
    except RecursionError:
        raise ConfigurationError(f"{where} must be JSON, and is nested too deeply") from None


def _text(value: object, field: str, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in value):
        return "".join(_text(part.get("text"), field, where) or "" for part in value)
    raise ConfigurationError(f"{where}: {field} must be a text, and is {type(value).__name__}")
