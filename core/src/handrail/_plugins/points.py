"""Finds the entry points of plugins, and which distribution each comes from. Nothing is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path

GROUP = "handrail"


@dataclass(frozen=True, slots=True)
class Point:
    """An entry point of the group.

    Attributes:
        entry: the entry point.
        distribution: the name of the distribution that it comes from.
        version: that distribution's version.
    """

    entry: EntryPoint
    distribution: str | None
    version: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a configuration may mean the plugin: its distribution's and its own."""
        return (self.entry.name,) if self.distribution is None else (self.distribution, self.entry.name)


def installed_points() -> tuple[Point, ...]:
    """Return every entry point of the group, in the order of their distributions' names.

    What was found is kept until a folder of `sys.path` changes, as it does when something is installed or removed.
    """
    return _points_in(tuple(_folders()))


def read_points() -> tuple[Point, ...]:
    """Return the same, read again in any case."""
    found = map(_point, entry_points(group=GROUP))
    return tuple(sorted(found, key=lambda point: (point.distribution or "", point.entry.name)))


@lru_cache(maxsize=4)
def _points_in(folders: tuple[tuple[str, int], ...]) -> tuple[Point, ...]:
    del folders  # what was found in them
    return read_points()


def _folders() -> Iterator[tuple[str, int]]:
    """Yield each place where distributions may be, and when it last changed, in nanoseconds."""
    for place in sys.path:
        try:
            yield place, Path(place).stat().st_mtime_ns
        except OSError:
            yield place, 0


def _point(entry: EntryPoint) -> Point:
    return Point(entry, *(_identity(entry.dist) if entry.dist else (None, None)))


def _identity(distribution: Distribution) -> tuple[str, str]:
    """Return name and version, read from the head of the metadata: the rest is a README, which takes long to parse."""
    text = distribution.read_text("METADATA")
    if text is None:
        return distribution.name, distribution.version
    head = message_from_string(text.partition("\n\n")[0])
    return head["Name"], head["Version"]
