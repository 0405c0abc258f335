"""What is wrong with a configuration, a line each, and how such a line is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.config._secrets import is_secret_key, is_secret_value
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from handrail.config._tree import KeyPath, Node, Place
    from handrail.errors import ProblemCode

_LONGEST_VALUE = 60
_LONGEST_NUMBER = 200  # bits, which are as many digits as a text may have characters


class RailsProblem(Problem):
    """One that lies below `rails`."""

    __slots__ = ()


def error_of(problems: Iterable[Problem]) -> ConfigurationError:
    """Make one error of all problems, in the order of the files."""
    found = sorted(dict.fromkeys(problems), key=lambda problem: problem.place or ("", 0, 0))
    in_rails = any(isinstance(problem, RailsProblem) for problem in found)
    kind = InvalidRailsConfigurationError if in_rails else ConfigurationError
    return kind("\n".join(found), problems=found)


def raise_problems(problems: Collection[Problem]) -> None:
    """Raise all problems as one error; none raises nothing.

    Raises:
        InvalidRailsConfigurationError: one of them concerns rails.
        ConfigurationError: none of them does.
    """
    if problems:
        raise error_of(problems)


def dotted(path: KeyPath) -> str:
    """Write a path as people do: `models[0].parameters.temperature`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "the configuration"


def problem_at(
    tree: Node | None,
    path: KeyPath,
    text: str,
    *,
    key: bool = False,
    code: ProblemCode = "invalid",
    subject: str = "",
    fix: str = "",
) -> Problem:
    """Make a problem of the value at a path, or of its key."""
    kind = RailsProblem if path and path[0] == "rails" else Problem
    place = place_at(tree, path, key=key)
    return kind(text, code=code, place=place.told if place else None, subject=subject, fix=fix)


def place_at(tree: Node | None, path: KeyPath, *, key: bool = False) -> Place | None:
    """Return where to point at for the value at a path, or for its key."""
    if tree is None:
        return None
    node, taken = tree.descend(path)
    wanted = node.key_place if key and taken == len(path) else None
    return wanted or node.best_place()


def shown(value: object, path: KeyPath = ()) -> str:
    """Describe a value that was found, without its content where that may be a secret."""
    if any(map(is_secret_key, path)) or (isinstance(value, str) and is_secret_value(value)):
        return "a hidden value"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return "a very large number"
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


def listed(names: Iterable[object]) -> str:
    """Write names in quotes, separated by commas."""
    return ", ".join(f"'{name}'" for name in names)
