"""Errors for the usual slips in calling Handrail: each names the call to write instead."""

from __future__ import annotations

from collections.abc import AsyncIterable, Collection
from typing import Any

from handrail.config import RailsConfig
from handrail.errors import InvalidRequestError


def refuse_other_than_config(config: object) -> None:
    """Raise if what `LLMRails` was given is not a configuration.

    Raises:
        TypeError: it is something else; the message has the call that makes a configuration of it.
    """
    if isinstance(config, RailsConfig):
        return
    if isinstance(config, dict):
        raise TypeError(
            "LLMRails takes a RailsConfig, not a dict; write LLMRails(RailsConfig.from_content(config=...))"
        )
    raise TypeError(
        f"LLMRails takes a RailsConfig, not {type(config).__name__}; write LLMRails(RailsConfig.from_path(...))"
    )


def refuse_other_than_names(caller_may: Collection[str] | None) -> None:
    """Raise if what callers may set is no collection of names; of a text, each part would be one.

    Raises:
        TypeError: it is something else.
    """
    if caller_may is not None and (isinstance(caller_may, str) or not isinstance(caller_may, Collection)):
        raise TypeError(f"caller_may takes a list of names of options, such as ['rails'], not {caller_may!r}")


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
