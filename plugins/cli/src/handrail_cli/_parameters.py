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
        raise ConfigurationError("no configuration given; pass its folder or file as PATH, or as --config PATH")
    return found
