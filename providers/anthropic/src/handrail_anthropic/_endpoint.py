"""Where one configured model is reached, and with what key: settled when the configuration is loaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError, message_of
from handrail_http import Endpoint, ca_file_of, checked_header_value, secrets_of

from handrail_anthropic._settings import checked_base_url

if TYPE_CHECKING:
    from handrail import ProviderContext

    from handrail_anthropic._settings import AnthropicSettings

ADDRESS = "https://api.anthropic.com"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
_TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  # its name


def settle(settings: AnthropicSettings, context: ProviderContext) -> Endpoint:
    """Put together what the configuration and the environment say.

    Raises:
        ConfigurationError: the model has no name or no key, or the key cannot be one.
    """
    label = f"model {context.model.type!r} with engine {context.model.engine!r}"
    if not context.model.model:
        raise ConfigurationError(f"{label} has no name; write it as 'model', as the server knows it")
    base_url = None if settings.client is not None else _base_url(settings)
    key = None if settings.client is not None else _key(settings, context, label, needed=base_url == ADDRESS)
    own = (getattr(settings.client, name, None) for name in ("api_key", "auth_token"))
    return Endpoint(
        engine=context.model.engine,
        model=context.model.model,
        base_url=base_url,
        ca_file=ca_file_of(settings.ca_file, context, label),
        key_variable=None if settings.api_key or settings.client else context.model.api_key_env_var or KEY_VARIABLE,
        key=key,
        secrets=secrets_of(key, *own, *settings.headers.values(), *settings.query.values()),
    )


def _base_url(settings: AnthropicSettings) -> str:
    if settings.base_url is not None:
        return settings.base_url
    if not (variable := os.environ.get("ANTHROPIC_BASE_URL")):
        return ADDRESS
    try:
        return checked_base_url(variable)
    except ValueError as exc:
        raise ConfigurationError(f"the environment variable 'ANTHROPIC_BASE_URL': {message_of(exc)}") from None


def _key(settings: AnthropicSettings, context: ProviderContext, label: str, *, needed: bool) -> str | None:
    key = settings.api_key.get_secret_value() if settings.api_key else context.api_key(KEY_VARIABLE, _TOKEN_VARIABLE)
    if key is not None and key.strip():
        try:
            return checked_header_value(key, "the key")
        except ValueError as exc:
            raise ConfigurationError(f"{label}: {message_of(exc)}") from None
    if needed and not any(name.lower() in {"authorization", "x-api-key"} for name in settings.headers):
        raise ConfigurationError(
            f"{label} has no key: set the environment variable {KEY_VARIABLE!r}, or name another one in "
            f"'api_key_env_var'; for a server that needs none, set 'base_url'",
            code="missing-variable",
            subject=KEY_VARIABLE,
            fix=f"export {KEY_VARIABLE}=...",
        )
    return None
