"""IBM's watsonx.ai: its chat is OpenAI's in other words, and its keys are exchanged for tokens."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import httpx2
from handrail.errors import ConfigurationError
from handrail_http import beginning_of
from handrail_openai import CredentialsError, OpenAIProvider, Service
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail import ProviderContext

    from handrail_bridge._settings import WatsonxSettings

ADDRESS = "https://us-south.ml.cloud.ibm.com"
_GRANT = "urn:ibm:params:oauth:grant-type:apikey"
_EARLY = 120.0  # seconds before its end at which a token is renewed
_NOT_SENT = ("model", "stream", "stream_options")


def watsonx(settings: WatsonxSettings, context: ProviderContext) -> OpenAIProvider:
    """Return a provider for a model at watsonx.ai.

    Raises:
        ConfigurationError: there is no key, no project and no space, or no name of a model.
    """
    label = f"model {context.model.type!r} with engine {context.model.engine!r}"
    scope = _scope(settings, label)
    address = (settings.base_url or os.environ.get("WATSONX_URL") or ADDRESS).rstrip("/")
    deployment = settings.deployment_id
    place = f"/deployments/{deployment}" if deployment else ""
    token, key = _credentials(settings, context, label)
    own = {
        "base_url": f"{address}/ml/v1{place}",
        "api_key": SecretStr(str(token or key)),
        "query": {"version": settings.version, **settings.query},
    }
    service = Service(
        token=None if token else IamToken(str(key), settings.iam_url),
        path="/text/chat_stream",
        body=_bodies({} if deployment else scope, names_model=not deployment),
    )
    return OpenAIProvider(settings.model_copy(update=own), context, service)


def _credentials(settings: WatsonxSettings, context: ProviderContext, label: str) -> tuple[str | None, str | None]:
    """Return a token that somebody else keeps valid, and a key to get tokens with; one may be missing."""
    token = settings.token.get_secret_value() if settings.token else os.environ.get("WATSONX_TOKEN")
    written = settings.api_key.get_secret_value() if settings.api_key else None
    key = written or context.api_key("WATSONX_APIKEY", "WATSONX_API_KEY")
    if not (key or token):
        raise ConfigurationError(
            f"{label} has no key: set the environment variable 'WATSONX_APIKEY', or name another in 'api_key_env_var'",
            code="missing-variable",
            subject="WATSONX_APIKEY",
            fix="export WATSONX_APIKEY=...",
        )
    return token, key


class IamToken:
    """A token of IBM's identity service, renewed before it ends.

    Args:
        key: the key that is exchanged for it.
        url: where.
        clock: returns seconds.
    """

    def __init__(self, key: str, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._url = url
        self._clock = clock
        self._token = ""
        self._until = 0.0

    async def __call__(self) -> str:
        """Return a token that is valid now.

        Raises:
            CredentialsError: the service gives none; the text does not quote it.
        """
        if not self._token or self._clock() >= self._until:
            asked_at = self._clock()
            self._token, seconds = await self._exchange()
            self._until = asked_at + seconds - min(_EARLY, seconds / 2)
        return self._token

    async def _exchange(self) -> tuple[str, float]:
        fields = {"grant_type": _GRANT, "apikey": self._key}
        async with (
            httpx2.AsyncClient(timeout=15, headers={"Accept": "application/json"}) as client,
            client.stream("POST", self._url, data=fields) as response,
        ):
            body = await beginning_of(response)
        if not response.is_success:
            raise CredentialsError(f"the identity service refused the key ({response.status_code})")
        return _read(body)


def _read(body: bytes) -> tuple[str, float]:
    try:
        found = json.loads(body)
        token, seconds = found["access_token"], float(found.get("expires_in", 3600))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CredentialsError("the identity service sent no token") from None
    if not (isinstance(token, str) and token and token.isascii() and token.isprintable()):
        raise CredentialsError("the identity service sent no token")
    return token, seconds


def _scope(settings: WatsonxSettings, label: str) -> dict[str, str]:
    """Return who pays: a project, or a space."""
    if settings.project_id:
        return {"project_id": settings.project_id}
    if settings.space_id:
        return {"space_id": settings.space_id}
    for name, variables in {
        "project_id": ("WATSONX_PROJECT_ID",),
        "space_id": ("WATSONX_SPACE_ID", "WATSONX_DEPLOYMENT_SPACE_ID"),
    }.items():
        if found := next((value for variable in variables if (value := os.environ.get(variable))), None):
            return {name: found}
    if settings.deployment_id:
        return {}
    raise ConfigurationError(
        f"{label} has no project: set 'project_id' or 'space_id', or the environment variable 'WATSONX_PROJECT_ID'"
    )


def _bodies(scope: dict[str, str], *, names_model: bool) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def translated(body: dict[str, Any]) -> dict[str, Any]:
        found = {name: value for name, value in body.items() if name not in _NOT_SENT}
        found["messages"] = [_message(message) for message in body["messages"]]
        if isinstance(found.get("tool_choice"), str):
            found["tool_choice_option"] = found.pop("tool_choice")
        return {**({"model_id": body["model"]} if names_model else {}), **scope, **found}

    return translated


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as it is; a user's text is a part."""
    content = message.get("content")
    if message.get("role") == "user" and isinstance(content, str):
        return {**message, "content": [{"type": "text", "text": content}]}
    return {name: value for name, value in message.items() if name != "content" or value is not None}
