"""What is wrong with a configuration, a line each, and how such a line is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail import errors
from handrail.config._secrets import is_secret_key, is_secret_value
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from handrail.config._tree import KeyPath, Node, Place
    from handrail.errors import ProblemCode

_LONGEST_VALUE = 60
_LONGEST_NUMBER = 200  # bits, which are as many digits as a text may have characters


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        text: what was found; what is allowed; what is nearest.
        place: where, if it is known.
        in_rails: True if it lies below `rails`.
        code, subject, fix: as a program is told of it.
    """

    text: str
    place: Place | None = None
    in_rails: bool = False
    code: ProblemCode = "invalid"
    subject: str = ""
    fix: str = ""

    def __str__(self) -> str:
        return self.told

    @property
    def told(self) -> errors.Problem:
        """The line for people and programs."""
        place = (self.place.source.name, self.place.line, self.place.column) if self.place else None
        return errors.Problem(self.text, code=self.code, place=place, subject=self.subject, fix=self.fix)


def error_of(problems: Iterable[Problem]) -> ConfigurationError:
    """Make one error of all problems, in the order of the files."""
    found = sorted(dict.fromkeys(problems), key=_by_place)
    lines = tuple(problem.told for problem in found)
    in_rails = any(problem.in_rails for problem in found)
    kind = InvalidRailsConfigurationError if in_rails else ConfigurationError
    return kind("\n".join(lines), problems=lines)


def raise_problems(problems: Collection[Problem]) -> None:
    """Raise all problems as one error; none raises nothing.

    Raises:
        InvalidRailsConfigurationError: one of them concerns rails.
        ConfigurationError: none of them does.
    """
    if problems:
        raise error_of(problems)


def _by_place(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (place.source.name, place.line, place.column) if place else ("", 0, 0)


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
    place = None
    if tree is not None:
        node, taken = tree.descend(path)
        wanted = node.key_place if key and taken == len(path) else None
        place = wanted or node.best_place()
    return Problem(text, place, bool(path) and path[0] == "rails", code, subject, fix)


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
