"""The SDK's client: how it is made, and what each request of it has beside the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
from handrail import request_id
from handrail.errors import ConfigurationError, message_of
from handrail_http import bounded_client, request_timeout

from handrail_openai._failures import may_help

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail_openai._endpoint import Endpoint
    from handrail_openai._service import Service
    from handrail_openai._settings import OpenAISettings

_LONGEST_ID = 512  # characters of an X-Client-Request-Id, by OpenAI's documentation


def make_client(endpoint: Endpoint, settings: OpenAISettings, service: Service) -> openai.AsyncOpenAI:
    """Make a client for one event loop.

    Raises:
        ConfigurationError: what Azure needs is missing.
    """
    common: dict[str, Any] = {
        "organization": settings.organization,
        "project": settings.project,
        "max_retries": settings.max_retries,
        "default_headers": _headers(endpoint, settings),
        "default_query": settings.query,
        "http_client": bounded_client(endpoint.ca_file, may_help=may_help),
    }
    if service.authenticates:
        return openai.AsyncOpenAI(**service.of_client(endpoint.base_url), **common)
    if endpoint.kind.name == "azure_openai":
        return _azure(endpoint, settings, common)
    return openai.AsyncOpenAI(api_key=endpoint.key or "none", base_url=endpoint.base_url, **common)


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
        problem = endpoint.scrubbed(message_of(exc))
    raise ConfigurationError(f"engine {endpoint.engine!r} lacks something in its parameters: {problem}")


def request_headers(endpoint: Endpoint, settings: OpenAISettings) -> dict[str, Any]:
    """Return what each request needs beside the client's own headers: without a key, to send none."""
    if settings.client is not None or endpoint.key is not None or endpoint.kind.name == "azure_openai":
        return {}
    own = next((value for name, value in settings.headers.items() if name.lower() == "authorization"), None)
    return {"Authorization": own or openai.Omit()}


def request_options(settings: OpenAISettings, headers: Mapping[str, Any]) -> openai.RequestOptions:
    """Return the SDK's options of one request."""
    return {
        "headers": {"Accept-Encoding": "identity", **headers, **_headers_of_this_call()},
        "timeout": request_timeout(settings.chunk_timeout),
        "follow_redirects": False,  # the conversation goes nowhere but where the configuration says
        "security": {"bearer_auth": True},  # and never the administrator's key
    }


def _headers_of_this_call() -> dict[str, str]:
    """Return the header that names the request which the program is answering, in the words of OpenAI's documentation.

    An id that no header can carry is left out.
    """
    found = request_id.get()
    if found is None or len(found) > _LONGEST_ID or not (found.isascii() and found.isprintable()):
        return {}
    return {"X-Client-Request-Id": found}


def _headers(endpoint: Endpoint, settings: OpenAISettings) -> dict[str, Any]:
    """Return the headers of each request; what the SDK takes from OpenAI's variables goes to nobody else."""
    if endpoint.kind.name in {"openai", "azure_openai"}:
        return dict(settings.headers)
    return {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit(), **settings.headers}


def given_client(settings: OpenAISettings, endpoint: Endpoint) -> openai.AsyncOpenAI | None:
    """Return the client that the program has handed in, if it has.

    Raises:
        ConfigurationError: it is something else.
    """
    client = settings.client
    if client is None or isinstance(client, openai.AsyncOpenAI):
        return client
    raise ConfigurationError(
        f"engine {endpoint.engine!r}: 'client' is a {type(client).__name__}; hand in an openai.AsyncOpenAI"
    )
