"""Packages whose names are imported when they are first used (PEP 562), so that importing the package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TypeAlias

from handrail.errors import InvalidArgumentError

Exports: TypeAlias = tuple[Callable[[str], object], Callable[[], list[str]], list[str]]


def lazy_exports(package: str, homes: Mapping[str, Sequence[str]]) -> Exports:
    """Return a package's `__getattr__`, `__dir__` and `__all__`.

    Discovery imports `PACKAGE.plugin`, and with it `PACKAGE/__init__.py`, so a plugin that exports its names lazily
    costs nothing until a configuration names it. Name them under `TYPE_CHECKING` too, for type checkers and editors.

    Args:
        package: the package's `__name__`.
        homes: the names that each of its modules holds.
    """
    fits = isinstance(homes, Mapping) and all(isinstance(names, list | tuple) for names in homes.values())
    InvalidArgumentError.unless(fits, "homes", homes, "a mapping of modules to their names")
    modules = {name: module for module, names in homes.items() for name in names}
    exported = sorted([*modules, "__version__"])

    def get(name: str) -> object:
        module = modules.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: list(exported), exported
