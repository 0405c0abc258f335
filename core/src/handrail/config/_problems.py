"""What is wrong with a configuration, a line each, and how such a line is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError, InvalidRailsConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from handrail.config._tree import Node, Path_

_SECRET = re.compile(
    r"api_?key|secret|token|passw|credential|authoriz|bearer|cookie|private_?key|access_?key|^auth$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"tokens$|_env(_var)?$|^(count|max|min)_?token|tokeni[sz]er", re.IGNORECASE)
_HIDDEN = "***"
_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        text: what was found; what is allowed; what is nearest.
        place: file, line and column, or empty.
        in_rails: True if it lies below `rails`.
    """

    text: str
    place: str = ""
    in_rails: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise all problems as one error; none raises nothing.

    Raises:
        InvalidRailsConfigurationError: one of them concerns rails.
        ConfigurationError: none of them does.
    """
    found = list(dict.fromkeys(problems))
    if not found:
        return
    lines = tuple(map(str, found))
    kind = (
        InvalidRailsConfigurationError if any(problem.in_rails for problem in found) else ConfigurationError
    )
    raise kind("\n".join(lines), problems=lines)


def dotted(path: Path_) -> str:
    """Write a path as people do: `models[0].parameters.temperature`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def at(tree: Node | None, path: Path_, text: str, *, key: bool = False) -> Problem:
    """Make a problem of the value at a path, or of its key."""
    place = ""
    if tree is not None:
        node, taken = tree.descend(path)
        wanted = node.key_place if key and taken == len(path) else node.best_place()
        place = str(wanted or node.best_place() or "")
    return Problem(text, place, bool(path) and path[0] == "rails")


def is_secret(key: object) -> bool:
    """Tell whether a key looks as if its value must not be shown."""
    return isinstance(key, str) and bool(_SECRET.search(key)) and not _NO_SECRET.search(key)


def shown(value: object, path: Path_ = ()) -> str:
    """Describe a value that was found, without its content where that may be a secret."""
    if any(map(is_secret, path)):
        return "a value that is not shown here"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
        return f"the text {text!r}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a {type(value).__name__}"


def hidden(value: object) -> object:
    """Give a copy of a value in which whatever looks like a secret is replaced by asterisks."""
    if isinstance(value, dict):
        return {key: _HIDDEN if is_secret(key) and below else hidden(below) for key, below in value.items()}
    if isinstance(value, list):
        return [hidden(below) for below in value]
    if isinstance(value, tuple):
        return tuple(hidden(below) for below in value)
    return value


def listed(names: Iterable[str]) -> str:
    """Write names in quotes, separated by commas."""
    return ", ".join(f"'{name}'" for name in names)


def nearest(name: object, names: Collection[str]) -> str:
    """Write what was probably meant, as the end of a message; empty if nothing is near."""
    close = get_close_matches(str(name).lower(), {known.lower(): known for known in names}, n=1, cutoff=0.6)
    known = next((known for known in names if close and known.lower() == close[0]), None)
    return f"; did you mean '{known}'?" if known else ""
