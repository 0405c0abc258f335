"""Where one configured model is reached, and with what key: settled when the configuration is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError

from handrail_anthropic._addresses import checked_base_url, checked_header_value

if TYPE_CHECKING:
    from handrail import ProviderContext

    from handrail_anthropic._settings import AnthropicSettings

ADDRESS = "https://api.anthropic.com"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
_TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  # its name
_SHORTEST_SECRET = 6
"""Shorter ones, such as "none" for a server on this machine, also occur in messages as words."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one server.

    Attributes:
        engine: as the configuration names it.
        model: the model's name.
        base_url: where the server is; None if a client was handed in.
        ca_file: a certificate authority to trust.
        key_variable: the environment variable that holds the key, or would; for messages.
        key: the key; None if the server needs none.
        secrets: what must appear in no message.
    """

    engine: str
    model: str
    base_url: str | None
    ca_file: Path | None
    key_variable: str | None
    key: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def scrubbed(self, text: str) -> str:
        """Return the text without any secret that a server has repeated in it."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


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
    secrets = (key, *own, *settings.headers.values())
    ca_file = context.base_path / settings.ca_file if settings.ca_file else None
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError(f"{label}: 'ca_file' is {str(ca_file)!r}, which is not a file")
    return Endpoint(
        engine=context.model.engine,
        model=context.model.model,
        base_url=base_url,
        ca_file=ca_file,
        key_variable=None if settings.api_key or settings.client else context.model.api_key_env_var or KEY_VARIABLE,
        key=key,
        secrets=tuple(secret for secret in secrets if secret and len(secret) >= _SHORTEST_SECRET),
    )


def _base_url(settings: AnthropicSettings) -> str:
    if settings.base_url is not None:
        return settings.base_url
    if not (variable := os.environ.get("ANTHROPIC_BASE_URL")):
        return ADDRESS
    try:
        return checked_base_url(variable)
    except ValueError as exc:
        raise ConfigurationError(f"the environment variable 'ANTHROPIC_BASE_URL': {exc}") from None


def _key(settings: AnthropicSettings, context: ProviderContext, label: str, *, needed: bool) -> str | None:
    key = settings.api_key.get_secret_value() if settings.api_key else context.api_key(KEY_VARIABLE, _TOKEN_VARIABLE)
    if key is not None and key.strip():
        try:
            return checked_header_value(key, "the key")
        except ValueError as exc:
            raise ConfigurationError(f"{label}: {exc}") from None
    if needed and not any(name.lower() in {"authorization", "x-api-key"} for name in settings.headers):
        raise ConfigurationError(
            f"{label} has no key: set the environment variable {KEY_VARIABLE!r}, or name another one in "
            f"'api_key_env_var'; for a server that needs none, set 'base_url'",
            code="missing-variable",
            subject=KEY_VARIABLE,
            fix=f"export {KEY_VARIABLE}=...",
        )
    return None
