"""Google's Vertex AI, by the address at which it speaks OpenAI's protocol."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError
from handrail_openai import OpenAIProvider, Service
from openai.providers.vertex import vertex as vertex_provider

if TYPE_CHECKING:
    from handrail import ProviderContext

    from handrail_bridge._settings import VertexSettings

_PROJECTS = ("GOOGLE_CLOUD_PROJECT", "VERTEXAI_PROJECT")
_LOCATIONS = ("GOOGLE_CLOUD_LOCATION", "VERTEXAI_LOCATION")


def vertex(settings: VertexSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a model at Vertex AI, with Google's default credentials or with a token as its key.

    Raises:
        ConfigurationError: there is no project or no name of a model, or what Google's credentials need is not
            installed.
    """
    label = f"model {context.model.type!r} with engine {context.model.engine!r}"
    address = settings.base_url or _address(settings, label)
    given = settings.model_copy(update={"base_url": address})
    if settings.api_key is not None or context.api_key() is not None:
        return OpenAIProvider(given, context, Service(body=_named))
    if find_spec("google") is None or find_spec("google.auth") is None:
        raise ConfigurationError(
            f'{label} has no credentials: install "handrail-bridge[vertexai]" for those of Google\'s tools, or name '
            f"the environment variable of an access token in 'api_key_env_var'"
        )
    return OpenAIProvider(given, context, Service(provider=vertex_provider(base_url=address), body=_named))


def _address(settings: VertexSettings, label: str) -> str:
    project = settings.google_project or _of(_PROJECTS)
    location = settings.location or _of(_LOCATIONS) or "global"
    if not project:
        raise ConfigurationError(f"{label} has no project: set 'project', or the environment variable {_PROJECTS[0]!r}")
    host = "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"
    return f"https://{host}/v1/projects/{project}/locations/{location}/endpoints/openapi"


def _named(body: dict[str, object]) -> dict[str, object]:
    """Name a model of Google's as this address does, with its publisher."""
    model = str(body["model"])
    return body if "/" in model else {**body, "model": f"google/{model}"}


def _of(variables: tuple[str, ...]) -> str | None:
    return next((value for name in variables if (value := os.environ.get(name))), None)
