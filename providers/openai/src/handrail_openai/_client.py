"""The SDK's client: one per model and event loop, closed with the provider."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import httpx2
import openai
from anyio.lowlevel import current_token
from handrail import request_id
from handrail.errors import ConfigurationError

from handrail_openai._bounded import BoundedClient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from handrail_openai._endpoint import Endpoint
    from handrail_openai._service import Service
    from handrail_openai._settings import OpenAISettings

Kept: TypeAlias = tuple[openai.AsyncOpenAI, AsyncGenerator[None, None]]

CONNECT_SECONDS = 15.0
_LONGEST_ID = 512  # characters of an X-Client-Request-Id, by OpenAI's documentation


class Clients:
    """Gives the client of the running event loop; connections belong to the loop that opened them.

    An event loop that ends closes the asynchronous generators that it has begun, so a client is kept by one: its
    connections are closed with the loop at the latest, also where a synchronous call runs a loop of its own.
    """

    def __init__(self, endpoint: Endpoint, settings: OpenAISettings, service: Service) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._service = service
        self._given = _checked(settings.client, endpoint)
        self._kept: dict[object, Kept] = {}
        # Made here and not at the first request, for it imports and reads certificates for half a second.
        self._spare = make_client(endpoint, settings, service) if self._given is None else None

    async def get(self) -> openai.AsyncOpenAI:
        """Give the client that was handed in, or one of our own."""
        if self._given is not None:
            return self._given
        loop = current_token().native_token
        kept = self._kept.get(loop)
        if kept is None:
            client, self._spare = self._spare or self._make(), None
            kept = self._kept[loop] = (client, self._keep(loop, client))
            await anext(kept[1])
        return kept[0]

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A client that was handed in is left open."""
        kept = self._kept.get(current_token().native_token)
        if kept is not None:
            await kept[1].aclose()

    def _make(self) -> openai.AsyncOpenAI:
        return make_client(self._endpoint, self._settings, self._service)

    async def _keep(self, loop: object, client: openai.AsyncOpenAI) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            del self._kept[loop]
            with anyio.CancelScope(shield=True):
                await client.close()


def make_client(endpoint: Endpoint, settings: OpenAISettings, service: Service) -> openai.AsyncOpenAI:
    """Make a client with connections of its own.

    Raises:
        ConfigurationError: what Azure needs is missing.
    """
    common: dict[str, Any] = {
        "organization": settings.organization,
        "project": settings.project,
        "max_retries": settings.max_retries,
        "default_headers": _headers(endpoint, settings),
        "default_query": settings.query,
        "http_client": BoundedClient(
            verify=tls_context(endpoint.ca_file),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
        ),
    }
    if service.authenticates:
        return openai.AsyncOpenAI(**service.of_client(endpoint.base_url), **common)
    if endpoint.kind.name == "azure_openai":
        return _azure(endpoint, settings, common)
    return openai.AsyncOpenAI(api_key=endpoint.key or "none", base_url=endpoint.base_url, **common)


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


def request_timeout(settings: OpenAISettings) -> httpx2.Timeout:
    """Give the time-outs of single operations; that of the whole answer is kept elsewhere."""
    silence = settings.chunk_timeout
    return httpx2.Timeout(connect=CONNECT_SECONDS, read=silence, write=silence, pool=CONNECT_SECONDS)


def _azure(endpoint: Endpoint, settings: OpenAISettings, common: Mapping[str, Any]) -> openai.AsyncOpenAI:
    token = settings.azure_ad_token
    places: dict[str, Any] = (
        {"base_url": endpoint.base_url}
        if endpoint.base_url
        else {"azure_endpoint": settings.azure_endpoint, "azure_deployment": settings.azure_deployment}
    )
    try:
        return openai.AsyncAzureOpenAI(
            api_key=endpoint.key,
            azure_ad_token=token.get_secret_value() if token else None,
            api_version=settings.api_version,
            **places,
            **common,
        )
    except (ValueError, openai.OpenAIError) as exc:
        problem = endpoint.scrubbed(str(exc))
    raise ConfigurationError(f"engine {endpoint.engine!r} lacks something in its parameters: {problem}")


def request_headers(endpoint: Endpoint, settings: OpenAISettings) -> dict[str, Any]:
    """Give what each request needs beside the client's own headers: without a key, to send none."""
    if settings.client is not None or endpoint.key is not None or endpoint.kind.name == "azure_openai":
        return {}
    own = next((value for name, value in settings.headers.items() if name.lower() == "authorization"), None)
    return {"Authorization": own or openai.Omit()}


def headers_of_this_call() -> dict[str, str]:
    """Give the header that names the request which the program is answering, in the words of OpenAI's documentation.

    An id that no header can carry is left out.
    """
    found = request_id.get()
    if found is None or len(found) > _LONGEST_ID or not (found.isascii() and found.isprintable()):
        return {}
    return {"X-Client-Request-Id": found}


def _headers(endpoint: Endpoint, settings: OpenAISettings) -> dict[str, Any]:
    """Give the headers of each request; what the SDK takes from OpenAI's variables goes to nobody else."""
    if endpoint.kind.name in {"openai", "azure_openai"}:
        return dict(settings.headers)
    return {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit(), **settings.headers}


def _checked(client: object, endpoint: Endpoint) -> openai.AsyncOpenAI | None:
    if client is None or isinstance(client, openai.AsyncOpenAI):
        return client
    raise ConfigurationError(
        f"engine {endpoint.engine!r}: 'client' is a {type(client).__name__}; hand in an openai.AsyncOpenAI"
    )
