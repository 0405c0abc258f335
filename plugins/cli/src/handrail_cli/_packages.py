"""Which package to install for a name that nothing installed offers, as far as `packages.toml` lists it."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files

from handrail.errors import ConfigurationError, HandrailError, Problem


def problems_of(error: HandrailError) -> tuple[Problem, ...]:
    """Return the problems of an error. One about a name that some package would offer says which, if it is absent."""
    found = error.problems if isinstance(error, ConfigurationError) else (Problem(str(error)),)
    return tuple(map(_with_package, found))


def offered_elsewhere() -> dict[str, str]:
    """Return the package that offers each name which is not of the kernel or the command line."""
    listed = tomllib.loads(files(__package__).joinpath("packages.toml").read_text("utf-8"))
    return {name: package for package, names in listed.items() for name in names}


def is_installed(package: str) -> bool:
    """Return whether a distribution is installed here."""
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _with_package(problem: Problem) -> Problem:
    if problem.code != "unknown-name":
        return problem
    package = offered_elsewhere().get(problem.subject)
    if package is None or is_installed(package):
        return problem
    return Problem(
        f"{problem.subject!r} is in the package {package}, which is not installed: pip install {package}",
        code="missing-package",
        place=problem.place,
        subject=package,
        fix=f'pip install "{package}"',
    )
