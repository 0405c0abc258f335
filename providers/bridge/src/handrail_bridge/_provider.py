"""Providers of services that speak OpenAI's protocol at an address of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError
from handrail_openai import OpenAIProvider
from pydantic import SecretStr

if TYPE_CHECKING:
    from handrail import ProviderContext
    from handrail_openai import OpenAISettings

    from handrail_bridge._settings import GoogleSettings, GroqSettings

GROQ = "https://api.groq.com/openai/v1"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"


def groq(settings: GroqSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a model at Groq.

    Raises:
        ConfigurationError: there is no key, or no name of a model.
    """
    return at(GROQ, settings, context, ("GROQ_API_KEY",))


def google(settings: GoogleSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a Gemini model at Google.

    Raises:
        ConfigurationError: there is no key, or no name of a model.
    """
    return at(GOOGLE, settings, context, ("GOOGLE_API_KEY", "GEMINI_API_KEY"))


def at(address: str, settings: OpenAISettings, context: ProviderContext, variables: tuple[str, ...]) -> OpenAIProvider:
    """Return the provider with the service's own address and key, where the configuration has no other.

    Raises:
        ConfigurationError: there is no key, or no name of a model.
    """
    if settings.client is not None:
        return OpenAIProvider(settings, context)
    key = settings.api_key
    if key is None and (found := context.api_key(*variables)):
        key = SecretStr(found)
    if key is None and settings.base_url is None:
        raise ConfigurationError(
            f"model {context.model.type!r} with engine {context.model.engine!r} has no key: set the environment "
            f"variable {variables[0]!r}, or name another one in 'api_key_env_var'",
            code="missing-variable",
            subject=variables[0],
            fix=f"export {variables[0]}=...",
        )
    own = {"base_url": settings.base_url or address, "api_key": key}
    return OpenAIProvider(settings.model_copy(update=own), context)
