"""Context variables as a command line writes them: what rails are told beside the messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from handrail import ConfigurationError
from handrail.errors import message_of

_FORMS = "NAME=TEXT, NAME=@FILE or NAME:=JSON"


def variables_of(written: Iterable[str]) -> dict[str, Any]:
    """Return the variables, later ones over earlier ones.

    Raises:
        ConfigurationError: one of them is not of a known form, or what it names cannot be read.
    """
    return dict(map(_variable, written))


def shown(variables: Mapping[str, Any]) -> str:
    """Return the names of the variables, for a person; their values may be long and private."""
    return ", ".join(variables) or "none"


def _variable(written: str) -> tuple[str, Any]:
    name, equals, value = written.partition("=")
    is_json = name.endswith(":")
    name = name.removesuffix(":").strip()
    if not equals or not name:
        raise ConfigurationError(f"variable {written!r} has no name or no value; write {_FORMS}")
    if is_json:
        return name, _json(name, value)
    return name, _file(name, Path(value[1:])) if value.startswith("@") else value


def _json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigurationError(f"variable {name!r} is not valid JSON: {message_of(error)}") from None
    except RecursionError:
        raise ConfigurationError(f"variable {name!r} is nested too deeply") from None


def _file(name: str, path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"variable {name!r}: {str(path)!r} is not valid UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"variable {name!r}: {str(path)!r} cannot be read: {error.strerror}") from None
