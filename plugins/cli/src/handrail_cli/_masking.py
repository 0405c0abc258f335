"""Takes secrets out of what is shown: a server that refuses a key may quote it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail import RailsConfig

MASK = "***"
_SECRET = re.compile(r"(?:^|_|-)(?:api|auth)?(?:key|token|secret|password|passwd|credential)s?(?:$|_|-)", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/@\s\"']*(?=@)")
_SHORTEST = 6  # characters; a shorter value would mask words that are not secret


def masking(config: RailsConfig, *urls: str | None) -> Callable[[str], str]:
    """Return a function that replaces every secret in a text that this process can know of.

    These are the values of environment variables that a model names or whose names say that they are secret, of
    parameters with such names, and what stands before the host in an address.
    """
    values = {*_of_environment(config), *_of_parameters(config), *_of_urls(urls)}
    secrets = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def mask(text: str) -> str:
        text = _USERINFO.sub(MASK, text)
        return pattern.sub(MASK, text) if pattern is not None else text

    return mask


def _of_environment(config: RailsConfig) -> Iterator[str]:
    named = {model.api_key_env_var for model in config.models}
    yield from (value.strip() for name, value in os.environ.items() if name in named or _SECRET.search(name))


def _of_parameters(config: RailsConfig) -> Iterator[str]:
    for model in config.models:
        yield from _secrets_in(model.parameters)


def _secrets_in(values: object, *, secret: bool = False) -> Iterator[str]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _secrets_in(value, secret=secret or bool(_SECRET.search(str(name))))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _secrets_in(value, secret=secret)
    elif secret and isinstance(values, str):
        yield values


def _of_urls(urls: tuple[str | None, ...]) -> Iterator[str]:
    for url in filter(None, urls):
        for found in _USERINFO.findall(url):
            yield from filter(None, (found, found.rpartition(":")[2]))
