"""The SDK's client: one per model and event loop, closed with the provider."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import anthropic
import anyio
import httpx2
from anyio.lowlevel import current_token
from handrail.errors import ConfigurationError

from handrail_anthropic._bounded import BoundedClient

if TYPE_CHECKING:
    from pathlib import Path

    from handrail_anthropic._endpoint import Endpoint
    from handrail_anthropic._settings import AnthropicSettings

Kept: TypeAlias = tuple[anthropic.AsyncAnthropic, AsyncGenerator[None, None]]

CONNECT_SECONDS = 15.0


class Clients:
    """Returns the client of the running event loop; connections belong to the loop that opened them.

    An event loop that ends closes the asynchronous generators that it has begun, so a client is kept by one: its
    connections are closed with the loop at the latest, also where a synchronous call runs a loop of its own.
    """

    def __init__(self, endpoint: Endpoint, settings: AnthropicSettings) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._given = _checked(settings.client, endpoint)
        self._kept: dict[object, Kept] = {}
        # Made here and not at the first request, for it imports and reads certificates for half a second.
        self._spare = make_client(endpoint, settings) if self._given is None else None

    async def get(self) -> anthropic.AsyncAnthropic:
        """Return the client that was handed in, or one of our own."""
        if self._given is not None:
            return self._given
        loop = current_token().native_token
        kept = self._kept.get(loop)
        if kept is None:
            client, self._spare = self._spare or make_client(self._endpoint, self._settings), None
            kept = self._kept[loop] = (client, self._keep(loop, client))
            await anext(kept[1])
        return kept[0]

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A client that was handed in is left open."""
        kept = self._kept.get(current_token().native_token)
        if kept is not None:
            await kept[1].aclose()

    async def _keep(self, loop: object, client: anthropic.AsyncAnthropic) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            del self._kept[loop]
            with anyio.CancelScope(shield=True):
                await client.close()


def make_client(endpoint: Endpoint, settings: AnthropicSettings) -> anthropic.AsyncAnthropic:
    """Make a client with connections of its own."""
    betas = {"anthropic-beta": ",".join(settings.betas)} if settings.betas else {}
    return anthropic.AsyncAnthropic(
        api_key=endpoint.key or "none",  # one of the program's environment would go to any address
        base_url=endpoint.base_url,
        max_retries=settings.max_retries,
        default_headers={**betas, **settings.headers},
        default_query=settings.query,
        open_telemetry=False,
        http_client=BoundedClient(
            verify=tls_context(endpoint.ca_file),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
        ),
    )


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return what checks certificates; one for all clients of the process, for reading them takes long and much memory.

    Raises:
        OSError: the file cannot be read.
    """
    changed = None if ca_file is None else ca_file.stat().st_mtime_ns
    return _tls_context(ca_file, changed, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=16)
def _tls_context(ca_file: Path | None, *_: object) -> ssl.SSLContext:
    """Return one for what is in a file, or else for what the environment says."""
    return httpx2.create_ssl_context() if ca_file is None else ssl.create_default_context(cafile=str(ca_file))


def request_timeout(settings: AnthropicSettings) -> httpx2.Timeout:
    """Return the time-outs of single operations; that of the whole answer is kept elsewhere."""
    silence = settings.chunk_timeout
    return httpx2.Timeout(connect=CONNECT_SECONDS, read=silence, write=silence, pool=CONNECT_SECONDS)


def request_headers(endpoint: Endpoint, settings: AnthropicSettings) -> dict[str, Any]:
    """Return what each request needs beside the client's own headers: without a key, to send none."""
    if settings.client is not None or endpoint.key is not None:
        return {}
    own = next((value for name, value in settings.headers.items() if name.lower() == "authorization"), None)
    return {"Authorization": own or anthropic.Omit()}


def _checked(client: object, endpoint: Endpoint) -> anthropic.AsyncAnthropic | None:
    if client is None or isinstance(client, anthropic.AsyncAnthropic):
        return client
    raise ConfigurationError(
        f"engine {endpoint.engine!r}: 'client' is a {type(client).__name__}; hand in an anthropic.AsyncAnthropic"
    )
