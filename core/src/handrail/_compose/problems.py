"""The problems of a configuration, gathered so that all of them are reported at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handrail.errors import (
    ConfigurationError,
    HandrailError,
    InvalidRailsConfigurationError,
    PluginConflictError,
    Problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLACE = re.compile(r"([^\n]+?):(\d+):(\d+)(?:: |$)")


class Problems:
    """What is wrong with a configuration, and where."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, HandrailError]] = []

    @property
    def are_there(self) -> bool:
        """True once something is wrong."""
        return bool(self._noted)

    def note(self, error: HandrailError, where: str = "") -> None:
        """Keep a problem; an empty `where` says that its place is unknown or in its text."""
        self._noted.append((where, error))

    def raise_if_any(self) -> None:
        """Raise one error with every problem, if there is one.

        Raises:
            ConfigurationError: each problem is a line of its `problems`.
            HandrailError: the only problem there is, if it is of another kind.
        """
        if not self._noted:
            return
        lines = tuple(dict.fromkeys(line for where, error in self._noted for line in _lines(where, error)))
        first = self._noted[0][1]
        if len(lines) == 1 and isinstance(first, PluginConflictError):
            raise PluginConflictError(lines[0], plugin=first.plugin) from first
        if len(lines) == 1 and not isinstance(first, ConfigurationError):
            raise first
        rails = any(isinstance(error, InvalidRailsConfigurationError) for _, error in self._noted)
        kind = InvalidRailsConfigurationError if rails else ConfigurationError
        raise kind("\n".join(lines), problems=lines) from first


def _lines(where: str, error: HandrailError) -> Iterable[Problem]:
    """Yield the problems of an error, each with its place; one that knows its own place keeps it."""
    place = _place(where)
    found = error.problems if isinstance(error, ConfigurationError) else (Problem(str(error)),)
    for problem in found:
        own = _PLACE.match(problem)  # a plugin may have written it into its message
        if isinstance(error, PluginConflictError) or place is None or own is not None:
            yield problem if own is None or problem.place else _placed(problem, own)
        else:
            yield problem.at(place)


def _placed(problem: Problem, own: re.Match[str]) -> Problem:
    place = (own[1], int(own[2]), int(own[3]))
    return Problem(
        problem.message[own.end() :], code=problem.code, place=place, subject=problem.subject, fix=problem.fix
    )


def _place(where: str) -> tuple[str, int, int] | None:
    found = _PLACE.fullmatch(where)
    return (found[1], int(found[2]), int(found[3])) if found else None
