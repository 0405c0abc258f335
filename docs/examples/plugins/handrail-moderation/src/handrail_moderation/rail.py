"""The rail: one request for each window. Whatever is not a clear answer is a failure, and a failure blocks."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2
from anyio.lowlevel import checkpoint_if_cancelled
from handrail import ConfigurationError, Verdict
from pydantic import BaseModel, SecretStr, ValidationError

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Window

    from handrail_moderation.settings import ModerationSettings


class ModerationError(Exception):
    """The service did not say what it thinks of a text. Nothing of the text is in the message."""


class Rating(BaseModel, extra="ignore", strict=True):
    """One finding of the service: a category, how sure it is, and which characters of the text it means."""

    category: str
    score: float
    span: list[int] | None = None


class Answer(BaseModel, extra="ignore"):
    """What the service answers."""

    ratings: list[Rating]


class ModerationRail:
    """Asks the service about each window, with connections that all rails of an `LLMRails` share on an event loop."""

    def __init__(self, settings: ModerationSettings, context: RailContext) -> None:
        self._settings = settings
        self._shared = context.shared
        self._token = SecretStr(_token(settings.token_env_var, context.name))
        # Certificates are read once and not for each check.
        self._tls = httpx2.create_ssl_context() if settings.url.startswith("https:") else False

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Ask the service about one window.

        Raises:
            ModerationError: it did not answer, or not in time, or not what it should.
        """
        answer = await self._ask(window.text)
        worst = max(answer.ratings, key=self._excess, default=None)
        if worst is None or self._excess(worst) < 0:
            return Verdict.allow()
        return Verdict.block(
            f"{worst.category}, rated {worst.score:.2f}", category=worst.category, span=_span(worst, window)
        )

    async def _ask(self, text: str) -> Answer:
        url = self._settings.url
        body = json.dumps({"text": text}).encode()  # a model may send what is no UTF-8, which `json=` would refuse
        try:
            client = await self._shared(("handrail-moderation", url), self._open)
            seconds = self._settings.service_timeout
            response = await client.post(url, content=body, headers=self._headers(), timeout=seconds)
        except httpx2.TimeoutException:
            raise ModerationError(f"{url} did not answer within {self._settings.service_timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise ModerationError(f"{url} cannot be reached: {type(error).__name__}") from None
        await checkpoint_if_cancelled()  # closing a connection is shielded in httpx2, which would hide it
        if response.status_code != 200:
            raise ModerationError(f"{url} answered with status {response.status_code}")
        try:
            return Answer.model_validate_json(response.content)
        except ValidationError:
            raise ModerationError(f"{url} answered with what is no rating") from None

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[httpx2.AsyncClient, None]:
        async with httpx2.AsyncClient(verify=self._tls) as client:
            yield client

    def _excess(self, rating: Rating) -> float:
        """Return how far a score is above what is allowed; below 0 it is allowed."""
        return rating.score - self._settings.thresholds.get(rating.category, self._settings.threshold)

    def _headers(self) -> dict[str, str]:
        token = self._token.get_secret_value()
        headers = {"content-type": "application/json"}
        return {**headers, "authorization": f"Bearer {token}"} if token else headers


def _token(variable: str | None, rail: str) -> str:
    if variable is None:
        return ""
    if token := os.environ.get(variable):
        return token
    raise ConfigurationError(
        f"rail {rail!r} takes its token from the environment variable {variable!r}, which is not set"
    )


def _span(rating: Rating, window: Window) -> tuple[int, int] | None:
    """Turn the service's offsets into those of the whole text, if they are any."""
    if rating.span is None or len(rating.span) != 2:
        return None
    start, end = rating.span
    return window.span(start, end) if 0 <= start < end <= len(window.text) else None
