"""Services, and a server, that speak OpenAI's protocol and differ in nothing but their address and their key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail_openai import OpenAIProvider

from handrail_bridge._provider import at

if TYPE_CHECKING:
    from handrail import ProviderContext

    from handrail_bridge._settings import ServiceSettings, TensorRTSettings

TENSORRT = "http://localhost:8000/v1"
"""Where `trtllm-serve` is by default."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    Attributes:
        address: where it speaks OpenAI's protocol.
        variables: environment variables that usually hold its key, the usual one first.
        takes_options: whether a request may ask for its tokens; some refuse that, and tell them anyway or not at all.
    """

    address: str
    variables: tuple[str, ...]
    takes_options: bool = True


SERVICES = {
    "cohere": Service("https://api.cohere.ai/compatibility/v1", ("COHERE_API_KEY", "CO_API_KEY"), takes_options=False),
    "deepseek": Service("https://api.deepseek.com", ("DEEPSEEK_API_KEY",)),
    "fireworks": Service("https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",)),
    "mistralai": Service("https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), takes_options=False),
    "together": Service("https://api.together.ai/v1", ("TOGETHER_API_KEY",)),
}


def service(settings: ServiceSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a model of the service that the engine names.

    Raises:
        ConfigurationError: there is no key, or no name of a model.
    """
    known = SERVICES[context.model.engine]
    if not known.takes_options and "stream_usage" not in settings.model_fields_set:
        settings = settings.model_copy(update={"stream_usage": False})
    return at(known.address, settings, context, known.variables)


def tensorrt(settings: TensorRTSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a model that `trtllm-serve` serves.

    Raises:
        ConfigurationError: there is no name of a model.
    """
    own = {"base_url": settings.base_url or TENSORRT}
    return OpenAIProvider(settings if settings.client is not None else settings.model_copy(update=own), context)
