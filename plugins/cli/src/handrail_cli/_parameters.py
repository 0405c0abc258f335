"""Parameters that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from handrail import ConfigurationError

Variables = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def one_path(path: Path | None, config: Path | None) -> Path:
    """Return the path, whichever way it was written.

    Raises:
        ConfigurationError: none was given, or two.
    """
    if path is not None and config is not None:
        raise ConfigurationError(f"configuration given twice: {str(path)!r} and --config {str(config)!r}; keep one")
    found = path or config
    if found is None:
        raise ConfigurationError(
            "no configuration given; pass its folder or file as PATH, such as config.yml, or '.' for this folder"
        )
    return found


def one_configuration(path: Path | None, config: Path | None) -> Path:
    """Return the path of a single configuration.

    Raises:
        ConfigurationError: none was given, two were, or a folder that holds several.
    """
    root = one_path(path, config)
    if len(found := configurations_in(root)) > 1:
        names = ", ".join(repr(str(folder)) for folder in found)
        raise ConfigurationError(f"{str(root)!r} has several configurations; name one of {names}")
    return root


def configurations_in(root: Path) -> list[Path]:
    """Return the configurations in a folder, as `handrail server` serves them; none for a configuration itself."""
    if not root.is_dir() or _has_yaml(root):
        return []
    return sorted(
        entry for entry in root.iterdir() if entry.is_dir() and entry.name[0] not in ".-" and _has_yaml(entry)
    )


def _has_yaml(folder: Path) -> bool:
    """Return whether a folder has a configuration; one that cannot be read has none."""
    try:
        return any(entry.suffix in (".yml", ".yaml") and entry.is_file() for entry in folder.iterdir())
    except OSError:
        return False
