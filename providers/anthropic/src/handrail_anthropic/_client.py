"""The SDK's client: how it is made, and what each request of it has beside the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
from handrail.errors import ConfigurationError
from handrail_http import bounded_client

if TYPE_CHECKING:
    from handrail_http import Endpoint

    from handrail_anthropic._settings import AnthropicSettings


def make_client(endpoint: Endpoint, settings: AnthropicSettings) -> anthropic.AsyncAnthropic:
    """Make a client for one event loop."""
    betas = {"anthropic-beta": ",".join(settings.betas)} if settings.betas else {}
    return anthropic.AsyncAnthropic(
        api_key=endpoint.key or "none",  # one of the program's environment would go to any address
        base_url=endpoint.base_url,
        max_retries=settings.max_retries,
        default_headers={**betas, **settings.headers},
        default_query=settings.query,
        open_telemetry=False,
        http_client=bounded_client(endpoint.ca_file),
    )


def request_headers(endpoint: Endpoint, settings: AnthropicSettings) -> dict[str, Any]:
    """Return what each request needs beside the client's own headers: without a key, to send none."""
    if settings.client is not None or endpoint.key is not None:
        return {}
    own = next((value for name, value in settings.headers.items() if name.lower() == "authorization"), None)
    return {"Authorization": own or anthropic.Omit()}


def given_client(settings: AnthropicSettings, endpoint: Endpoint) -> anthropic.AsyncAnthropic | None:
    """Return the client that the program has handed in, if it has.

    Raises:
        ConfigurationError: it is something else.
    """
    client = settings.client
    if client is None or isinstance(client, anthropic.AsyncAnthropic):
        return client
    raise ConfigurationError(
        f"engine {endpoint.engine!r}: 'client' is a {type(client).__name__}; hand in an anthropic.AsyncAnthropic"
    )
