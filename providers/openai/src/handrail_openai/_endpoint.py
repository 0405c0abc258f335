"""Where one configured model is reached, and with what key: settled when the configuration is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import handrail_http
from handrail.errors import ConfigurationError, message_of
from handrail_http import ca_file_of, checked_header_value, secrets_of

from handrail_openai._engines import Engine, engine_named
from handrail_openai._settings import checked_base_url

if TYPE_CHECKING:
    from handrail import ProviderContext

    from handrail_openai._settings import OpenAISettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(handrail_http.Endpoint):
    """One model at one server.

    Attributes:
        kind: what is known of its engine.
    """

    kind: Engine


def settle(settings: OpenAISettings, context: ProviderContext) -> Endpoint:
    """Put together what the configuration, the environment and the engine say.

    Raises:
        ConfigurationError: the model has no name, no address or no key, or the key cannot be one.
    """
    kind = engine_named(context.model.engine)
    label = f"model {context.model.type!r} with engine {context.model.engine!r}"
    model = context.model.model or settings.azure_deployment
    if not model:
        raise ConfigurationError(f"{label} has no name; write it as 'model', as the server knows it")
    base_url = _base_url(settings, kind, label)
    key = _key(settings, context, kind, label, default_address=base_url is None or base_url == kind.base_url)
    token = settings.azure_ad_token
    own = getattr(settings.client, "api_key", None)
    variable = context.model.api_key_env_var or next(iter(kind.key_variables), None)
    return Endpoint(
        engine=context.model.engine,
        kind=kind,
        model=model,
        base_url=base_url,
        ca_file=ca_file_of(settings.ca_file, context, label),
        key_variable=None if settings.api_key or settings.client else variable,
        key=key,
        secrets=secrets_of(
            *(key, own, token and token.get_secret_value()), *settings.headers.values(), *settings.query.values()
        ),
    )


def _base_url(settings: OpenAISettings, kind: Engine, label: str) -> str | None:
    if settings.client is not None:
        return None
    written = settings.base_url or kind.base_url
    if kind.name == "azure_openai":
        return written
    if kind.name != "openai" and written is None:
        raise ConfigurationError(f"{label} needs 'base_url' in its parameters, such as 'http://localhost:8000/v1'")
    if written is None and (variable := os.environ.get("OPENAI_BASE_URL")):
        try:
            return checked_base_url(variable)
        except ValueError as exc:
            raise ConfigurationError(f"the environment variable 'OPENAI_BASE_URL': {message_of(exc)}") from None
    return written


def _key(
    settings: OpenAISettings, context: ProviderContext, kind: Engine, label: str, *, default_address: bool
) -> str | None:
    if settings.client is not None or settings.azure_ad_token is not None:
        return None
    key = settings.api_key.get_secret_value() if settings.api_key else context.api_key(*kind.key_variables)
    if key is not None and key.strip():
        try:
            return checked_header_value(key, "the key")
        except ValueError as exc:
            raise ConfigurationError(f"{label}: {message_of(exc)}") from None
    azure_token = kind.name == "azure_openai" and os.environ.get("AZURE_OPENAI_AD_TOKEN")
    if kind.needs_key and default_address and not azure_token and not _authorizes(settings):
        raise ConfigurationError(
            f"{label} has no key: set the environment variable {kind.key_variables[0]!r}, or name another one in "
            f"'api_key_env_var'; for a server that needs none, set 'base_url'",
            code="missing-variable",
            subject=kind.key_variables[0],
            fix=f"export {kind.key_variables[0]}=...",
        )
    return None


def _authorizes(settings: OpenAISettings) -> bool:
    return any(name.lower() in {"authorization", "api-key"} for name in settings.headers)
