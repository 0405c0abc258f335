"""Joining a Ray cluster, of which a process can be part of one only."""

from __future__ import annotations

import logging
from typing import Any

from handrail import ConfigurationError
from handrail.errors import message_of

from handrail_ray._transport import UnreachableError


def joined(address: str | None) -> Any:
    """Join a cluster, unless this process is part of one, and return Ray Serve.

    Raises:
        ConfigurationError: Ray is not installed.
        UnreachableError: there is no cluster.
    """
    try:
        import ray
        from ray import serve
    except ImportError as exc:
        raise ConfigurationError(
            f'Ray is not installed here, or not with Serve ({message_of(exc)}): pip install "handrail-ray[cluster]"',
            code="missing-package",
            subject="ray",
            fix='pip install "handrail-ray[cluster]"',
        ) from exc
    if not ray.is_initialized():
        try:
            ray.init(
                address or "auto",
                ignore_reinit_error=True,
                log_to_driver=False,
                configure_logging=False,
                logging_level=logging.WARNING,
            )
        except Exception as exc:
            raise UnreachableError(f"the Ray cluster cannot be reached: {type(exc).__name__}") from exc
    return serve
