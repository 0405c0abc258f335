"""The command: checks the name, and writes the files."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import ClassVar

from handrail import ConfigurationError, Registry, __version__

from handrail_testkit._new._layout import LAYOUTS, Kind
from handrail_testkit._new._names import Names, checked


class _Filled(Template):
    """A template whose places are written `%{name}`, since `$` has a meaning in YAML, Python and workflows."""

    delimiter: ClassVar[str] = "%"
    pattern: ClassVar[str] = r"%(?:(?P<escaped>(?!))|(?P<named>(?!))|\{(?P<braced>[a-z]+)\}|(?P<invalid>(?!)))"  # type: ignore[assignment]  # Template compiles it
    flags = re.VERBOSE


def new(kind: Kind, name: str, /, *, directory: Path = Path()) -> int:
    """Create a package with a plugin of your own, which installs and passes its tests at once.

    Exit codes: 0 created, 2 the name or the folder cannot be used.

    Args:
        kind: What it offers.
        name: What it is called, such as `loud-words`; the package is then `handrail-loud-words`.
        directory: The folder in which the package's own folder is made; by default the current one.
    """
    names = checked(name, Registry.discover())
    folder = directory / names.distribution
    write(kind, names, folder)
    sys.stdout.write("\n".join(_next_steps(kind, names, folder)) + "\n")
    return 0


def write(kind: Kind, names: Names, folder: Path) -> None:
    """Write a package into a folder that is not there yet.

    Raises:
        ConfigurationError: the folder is there, or cannot be written to; nothing that was there is changed.
    """
    templates = files("handrail_testkit._new") / "templates"
    variables = _variables(kind, names)
    try:
        folder.mkdir(parents=True)
        for template, path in LAYOUTS[kind].files(kind).items():
            text = templates.joinpath(template).read_text(encoding="utf-8")
            file = folder / path.format(package=names.package)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_Filled(text).substitute(variables), encoding="utf-8", newline="\n")
    except FileExistsError as error:
        raise ConfigurationError(
            f"the folder {str(folder)!r} is there already, and nothing is overwritten; "
            f"choose another NAME or --directory"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{error.filename!r} cannot be written: {error.strerror}") from error


def _variables(kind: Kind, names: Names) -> dict[str, str]:
    layout = LAYOUTS[kind]
    version = f">={'.'.join(__version__.split('.')[:2])}"  # no upper bound: the contract of plugins only grows
    requires = sorted([f"handrail{version}", "pydantic>=2.12,<3", *layout.requires])
    ours = ["handrail-cli", "handrail-testkit", *layout.tested_with]
    tools = ["mypy>=1.18", "pytest>=8.4", "ruff>=0.14"]
    return {
        "name": names.name,
        "distribution": names.distribution,
        "package": names.package,
        "words": names.words,
        "stem": names.stem,
        "variable": names.variable,
        "description": layout.description,
        "dependencies": _quoted(requires),
        "development": _quoted(sorted([*(name + version for name in ours), *tools])),
    }


def _quoted(requirements: list[str]) -> str:
    return ", ".join(f'"{requirement}"' for requirement in requirements)


def _next_steps(kind: Kind, names: Names, folder: Path) -> list[str]:
    module = LAYOUTS[kind].module
    return [
        f"{folder} is a package with a {kind.replace('-', ' ')} that works. Next:",
        "",
        f"  cd {folder}",
        "  python -m venv .venv && . .venv/bin/activate",
        '  python -m pip install --upgrade "pip>=25.1"',
        "  pip install --editable . --group dev",
        "  pytest",
        *(["  python tests/service.py &"] if kind == "provider" else []),  # what it has to talk to
        "  handrail chat example --streaming",
        "",
        f"Then write what it is to do in src/{names.package}/{module}.py, and its settings in settings.py beside it.",
        "The tests run the conformance suite; README.md says how to publish the package.",
    ]
