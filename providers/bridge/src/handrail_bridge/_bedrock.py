"""Amazon Bedrock, by the addresses at which it speaks OpenAI's protocol."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import openai
from handrail.errors import ConfigurationError, message_of
from handrail_openai import OpenAIProvider, Service
from openai.providers.bedrock import bedrock as bedrock_provider

if TYPE_CHECKING:
    from handrail import ProviderContext

    from handrail_bridge._settings import BedrockSettings

KEY_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"
_ADDRESSES = {
    "runtime": "https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
    "mantle": "https://bedrock-mantle.{region}.api.aws/openai/v1",
}


def bedrock(settings: BedrockSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a model at Amazon Bedrock, with a key of Bedrock's or with AWS's credentials.

    Raises:
        ConfigurationError: there is no region or no name of a model, or what AWS's credentials need is not installed.
    """
    label = f"model {context.model.type!r} with engine {context.model.engine!r}"
    region = settings.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region and settings.base_url is None:
        raise ConfigurationError(f"{label} has no region: set 'region', or the environment variable 'AWS_REGION'")
    key = settings.api_key.get_secret_value() if settings.api_key else context.api_key(KEY_VARIABLE)
    if settings.profile or settings.aws_access_key_id:
        key = None
    if not key and find_spec("botocore") is None:
        raise ConfigurationError(
            f"{label} has no key: set the environment variable {KEY_VARIABLE!r}; for AWS's own credentials, "
            f'install "handrail-bridge[bedrock]"',
            code="missing-variable",
            subject=KEY_VARIABLE,
            fix=f"export {KEY_VARIABLE}=...",
        )
    address = settings.base_url or _ADDRESSES[settings.endpoint].format(region=region)
    service = Service(provider=_provider(settings, address, region, key, label))
    own = {"base_url": address, "api_key": settings.api_key}
    return OpenAIProvider(settings.model_copy(update=own), context, service)


def _provider(settings: BedrockSettings, address: str, region: str | None, key: str | None, label: str) -> Any:
    secrets = {
        "access_key_id": settings.aws_access_key_id,
        "secret_access_key": settings.aws_secret_access_key,
        "session_token": settings.aws_session_token,
    }
    credentials: dict[str, Any] = {name: secret.get_secret_value() for name, secret in secrets.items() if secret}
    if settings.profile:
        credentials["profile"] = settings.profile
    try:
        return bedrock_provider(
            endpoint=settings.endpoint, region=region, base_url=address, api_key=key or None, **credentials
        )
    except openai.OpenAIError as exc:
        problem = message_of(exc)
    raise ConfigurationError(f"{label}: {problem}")
