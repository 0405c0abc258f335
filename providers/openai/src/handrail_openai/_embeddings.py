"""A request for embeddings, and its answer as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
from handrail_http import Exchange

from handrail_openai._client import request_options
from handrail_openai._failures import EXPECTED, Failures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail_http import PerLoop
    from openai import AsyncOpenAI

    from handrail_openai._endpoint import Endpoint
    from handrail_openai._settings import OpenAISettings

LARGEST = 64 * 2**20
"""Bytes of an answer: that of OpenAI's largest request has about 50 MB."""
_PATH = "/embeddings"


class Embeddings:
    """Asks one endpoint for embeddings."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: OpenAISettings,
        clients: PerLoop[AsyncOpenAI],
        headers: Mapping[str, Any],
        failures: Failures,
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._clients = clients
        self._headers = headers
        self._failures = failures

    async def ask(self, body: Mapping[str, Any]) -> bytes:
        """Send a request, and return the JSON of its answer.

        Raises:
            ProviderError: the request could not be sent, or the answer is late, too large, an error, or none.
        """
        client = await self._clients.get()
        exchange = Exchange(self._failures, self._settings, client.base_url, protocol="OpenAI's embeddings")
        sent = {**self._settings.body, **body, "model": self._endpoint.model}
        options = request_options(self._settings, self._headers)
        try:
            response = await exchange.opened(
                client.post(_PATH, cast_to=httpx2.Response, body=sent, options=options, stream=True)
            )
            async with exchange.body(response) as segments:
                return await exchange.whole(segments, limit=LARGEST)
        except EXPECTED as exc:
            failure = self._failures.of(exc, exchange)
        raise failure
