"""Makes the engine that the settings name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError, InvalidRailsConfigurationError

from handrail_detectors._settings import OPENAI_URL

if TYPE_CHECKING:
    from handrail import RailContext

    from handrail_detectors._findings import Engine
    from handrail_detectors._settings import ClassifierSettings

_OPENAI_KEY = "OPENAI_API_KEY"


def engine_of(settings: ClassifierSettings, context: RailContext) -> Engine:
    """Make the engine.

    Raises:
        ConfigurationError: its package, its model or its key is missing.
    """
    if settings.engine == "embedded":
        from handrail_detectors._embedded import EmbeddedEngine

        return EmbeddedEngine()
    if settings.engine in ("transformers", "onnx"):
        return _local(settings, context)
    from handrail_detectors._connections import Connections
    from handrail_detectors._services import ServiceEngine, format_of

    url = settings.url or OPENAI_URL
    headers = bearer(_variable(settings), context)
    return ServiceEngine(context.name, Connections(context, url, headers), format_of(settings), settings.names)


def _local(settings: ClassifierSettings, context: RailContext) -> Engine:
    folder = context.base_path / (settings.model or "")
    try:
        if settings.engine == "onnx":
            from handrail_detectors._onnx import OnnxEngine

            return OnnxEngine(folder, settings, context.name)
        from handrail_detectors._transformers import TransformersEngine

        place = str(folder) if folder.is_dir() else settings.model or ""
        return TransformersEngine(place, settings, context.name)
    except ImportError as exc:
        raise ConfigurationError(
            f"rail {context.name!r}: engine {settings.engine!r} needs {exc.name or 'packages'}, which cannot be "
            f'imported: pip install "handrail-detectors[{settings.engine}]"',
            code="missing-package",
            subject=f"handrail-detectors[{settings.engine}]",
            fix=f'pip install "handrail-detectors[{settings.engine}]"',
        ) from exc


def _variable(settings: ClassifierSettings) -> str | None:
    if settings.api_key_env_var is None and settings.engine == "openai" and settings.url is None:
        return _OPENAI_KEY  # which goes nowhere else
    return settings.api_key_env_var


def bearer(variable: str | None, context: RailContext) -> dict[str, str]:
    """Return the header with the key of an environment variable; none without a variable.

    Raises:
        ConfigurationError: the variable is not set.
    """
    if variable is None:
        return {}
    key = os.environ.get(variable)
    if not key:
        raise InvalidRailsConfigurationError(
            f"rail {context.name!r} takes its key from the environment variable {variable!r}, which is not set; "
            f"set it, or name another one in 'api_key_env_var'",
            code="missing-variable",
            subject=variable,
        )
    return authorized(key)


def authorized(key: str) -> dict[str, str]:
    """Return the header with a key."""
    return {"authorization": f"Bearer {key}"}
