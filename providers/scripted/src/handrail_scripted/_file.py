"""Reads a file of answers. Whatever is wrong with it is said with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

import yaml
from handrail.errors import ConfigurationError, message_of
from pydantic import BaseModel, ValidationError

from handrail_scripted._settings import (
    Answer,
    Script,
    ScriptedError,
    ScriptedHang,
    ScriptedToolCall,
    ScriptedUsage,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails
    from yaml.nodes import Node

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Location: TypeAlias = Sequence[int | str]
_EXCERPT = 60
_SHAPE = "write a list of answers, or 'answers:' with the list below it"

_MODELS: dict[str, type[BaseModel]] = {
    "answers": Answer,
    "default": Answer,
    "error": ScriptedError,
    "hang": ScriptedHang,
    "tool_calls": ScriptedToolCall,
    "usage": ScriptedUsage,
}
"""What stands below a key, for the list of keys that are allowed there."""


def read_script(path: Path) -> Script:
    """Read a YAML file: a list of answers, or a mapping with `answers` and `default`.

    Raises:
        ConfigurationError: it cannot be read, is not valid YAML, or has a wrong shape; names the file and the line of
            each problem.
    """
    root, content = _compose(path, _read(path))
    listed = isinstance(content, list)
    if listed:
        content = {"answers": content}
    if not isinstance(content, dict):
        found = "nothing" if content is None else _shown(content)
        raise ConfigurationError(f"{path}:1: found {found}; {_SHAPE}")
    try:
        return Script.model_validate(content)
    except ValidationError as exc:
        problems = tuple(
            f"{path}:{_line(root, error['loc'][1 if listed else 0 :])}: {_explain(error)}" for error in exc.errors()
        )
        raise ConfigurationError("\n".join(problems), problems=problems) from exc


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}: the file of answers is not UTF-8; save it as UTF-8") from exc
    except OSError as exc:
        raise ConfigurationError(
            f"the file of answers {str(path)!r} cannot be read ({exc.strerror}); {_neighbours(path)}",
            code="missing-file",
            subject=str(path),
            fix="put it there, or correct its name",
        ) from exc


def _neighbours(path: Path) -> str:
    """Return which file may have been meant."""
    try:
        names = sorted(file.name for file in path.parent.iterdir() if file.suffix in {".yml", ".yaml"})
    except OSError:
        return f"there is no folder {str(path.parent)!r}"
    if nearest := get_close_matches(path.name, names, n=1):
        return f"did you mean {nearest[0]!r}?"
    return f"YAML files there: {', '.join(map(repr, names)) or 'none'}"


def _compose(path: Path, text: str) -> tuple[Node | None, object]:
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            _refuse_duplicates(path, root)
            return root, loader.construct_document(root) if root is not None else None
        finally:
            loader.dispose()
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigurationError(f"{place}: no valid YAML: {_reason(exc)}") from exc
    except (RecursionError, ValueError) as exc:
        if isinstance(exc, ConfigurationError):
            raise
        raise ConfigurationError(f"{path}: no valid YAML: {message_of(exc)}") from exc


def _reason(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]


def _refuse_duplicates(path: Path, root: Node | None) -> None:
    """Refuse what YAML forbids but its readers let pass: of two values under one key, one would be lost."""
    for mapping in _mappings(path, root, set()):
        seen: dict[str, int] = {}
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ConfigurationError(
                    f"{path}:{line}: {key.value!r} stands here a second time, first in line "
                    f"{seen[key.value]}; keep one of them"
                )
            seen[key.value] = line


def _mappings(
    path: Path, node: Node | None, visited: set[int], around: tuple[int, ...] = ()
) -> Iterator[yaml.MappingNode]:
    if node is not None and id(node) in around:
        line = node.start_mark.line + 1
        raise ConfigurationError(f"{path}:{line}: the anchor here contains itself; answers must be finite")
    if isinstance(node, yaml.ScalarNode) or node is None or id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
    for item in node.value:
        below = item[1] if isinstance(node, yaml.MappingNode) else item
        yield from _mappings(path, below, visited, (*around, id(node)))


def _line(root: Node | None, location: _Location) -> int:
    """Return the line of the value at this location, or of the nearest thing around it; 1 is the first."""
    node, line = root, 1
    for step in location:
        below: tuple[Node, Node] | None = None
        if isinstance(node, yaml.MappingNode):
            below = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            below = (node.value[step], node.value[step])
        if below is None:
            break
        line, node = below[0].start_mark.line + 1, below[1]
    return line


def _explain(error: ErrorDetails) -> str:
    location = error["loc"]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
    if error["type"] == "extra_forbidden":
        around = next((str(step) for step in reversed(location[:-1]) if isinstance(step, str)), "")
        allowed = sorted(_MODELS.get(around, Script).model_fields)
        nearest = get_close_matches(str(location[-1]), allowed, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        return f"unknown key {location[-1]!r}; {hint}allowed: {', '.join(allowed)}"
    message = error["msg"][:1].lower() + error["msg"][1:]
    if error["type"] == "string_type" and isinstance(error["input"], bool | int | float):
        message += "; put it in quotes"
    found = "" if error["type"] == "missing" else f" (found {_shown(error['input'])})"
    return f"{where}: {message}{found}"


def _shown(found: object) -> str:
    if isinstance(found, dict | list):
        return "a mapping" if isinstance(found, dict) else "a list"
    text = repr(found)
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "..."
