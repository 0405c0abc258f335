"""The problems of a configuration, gathered so that all of them are reported at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError, HandrailError, InvalidRailsConfigurationError, PluginConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLACE = re.compile(r"[^\n]+?:\d+:\d+: ")


class Problems:
    """What is wrong with a configuration, and where."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, HandrailError]] = []

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


def _lines(where: str, error: HandrailError) -> Iterable[str]:
    """Yield the problems of an error, each with its place; one that knows its own place keeps it."""
    if isinstance(error, ConfigurationError) and not isinstance(error, PluginConflictError):
        for problem in error.problems:
            placed = _PLACE.match(problem) or not where
            yield problem if placed else f"{where}: {problem}"
    else:
        yield f"{where}: {error}" if where else str(error)
