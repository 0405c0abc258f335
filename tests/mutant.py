"""A line that is changed on purpose, and the tests that must notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A line of a package and what takes its place."""

    name: str
    file: str
    line: str
    instead: str


@dataclass(frozen=True)
class Group:
    """Mutants of one package, which the same tests must notice.

    Attributes:
        package: its folder, from the root of the repository.
        tests: files, from there, too.
        mutants: they.
    """

    package: str
    tests: Sequence[str]
    mutants: Sequence[Mutant]
