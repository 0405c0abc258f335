"""How a service differs from a server of OpenAI's protocol: how it knows its callers, its path, its body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai


class CredentialsError(openai.OpenAIError):
    """A service gives no token for the configured credentials; the text says why, and shows none of them."""


@dataclass(frozen=True, slots=True)
class Service:
    """What `OpenAIProvider` is told of a service, by packages that reach it.

    Attributes:
        provider: the SDK's own way to authenticate there, as `openai.providers` has it.
        token: returns a token that is valid now; asked before each request. It raises `CredentialsError`.
        path: of Chat Completions, if it is another.
        body: makes the service's body of one of Chat Completions.
    """

    provider: Any = field(default=None, repr=False)
    token: Callable[[], Awaitable[str]] | None = field(default=None, repr=False)
    path: str | None = None
    body: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    @property
    def authenticates(self) -> bool:
        """Whether a key is not all that a request needs."""
        return self.provider is not None or self.token is not None

    def of_client(self, base_url: str | None) -> Mapping[str, Any]:
        """Return what the SDK's client is made with."""
        return (
            {"provider": self.provider} if self.provider is not None else {"api_key": self.token, "base_url": base_url}
        )
