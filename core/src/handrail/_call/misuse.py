"""Errors for the usual slips in calling Handrail: each names the call to write instead."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any

from handrail._plugins.registry import Registry
from handrail.config import RailsConfig
from handrail.errors import InvalidArgumentError, InvalidRequestError


def refuse_other_than_config(config: object) -> None:
    """Raise if what `LLMRails` was given is not a configuration.

    Raises:
        InvalidArgumentError: it is something else; the message has the call that makes a configuration of it.
    """
    if isinstance(config, RailsConfig):
        return
    if isinstance(config, dict):
        raise InvalidArgumentError(
            "LLMRails takes a RailsConfig, not a dict; write LLMRails(RailsConfig.from_content(config=...))"
        )
    raise InvalidArgumentError(
        f"LLMRails takes a RailsConfig, not {type(config).__name__}; write LLMRails(RailsConfig.from_path(...))"
    )


def refuse_other_than_registry(registry: object) -> None:
    """Raise if what `LLMRails` was given is neither a registry nor None.

    Raises:
        InvalidArgumentError: it is something else; the message has the call that makes a registry.
    """
    fits = registry is None or isinstance(registry, Registry)
    InvalidArgumentError.unless(fits, "registry", registry, "a Registry, such as Registry.discover().with_plugins(...)")


def refuse_sync_generator(generator: AsyncIterable[Any] | None) -> None:
    """Raise if the texts to guard cannot be iterated with `async for`.

    Raises:
        InvalidRequestError: they cannot.
    """
    if generator is not None and not hasattr(generator, "__aiter__"):
        raise InvalidRequestError(
            f"generator must be iterated with 'async for', and {type(generator).__name__} cannot be; "
            "write 'async def' for the function that yields the texts, and call it"
        )
