"""A request for embeddings, and its answer as it came."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
from handrail.errors import ProviderError

from handrail_openai._bounded import TRANSPORT
from handrail_openai._client import headers_of_this_call, request_timeout
from handrail_openai._failures import EXPECTED, Exchange, Failures
from handrail_openai._reports import request_id_of
from handrail_openai._request import BadParameterError
from handrail_openai._sse import EventTooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import RequestOptions

    from handrail_openai._client import Clients
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
        clients: Clients,
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
        url = client.base_url
        exchange = Exchange(f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path.rstrip('/')}")
        failure: ProviderError | None = None
        answer: bytes | None = None
        with anyio.move_on_after(self._settings.timeout or math.inf):
            try:
                answer = await self._answer(client, body, exchange)
            except EXPECTED as exc:
                failure = self._failures.of(exc, exchange)
        if answer is None:
            raise failure or self._failures.late(self._settings.timeout or math.inf, exchange)
        return answer

    async def _answer(self, client: Any, body: Mapping[str, Any], exchange: Exchange) -> bytes:
        options: RequestOptions = {
            "headers": {"Accept-Encoding": "identity", **self._headers, **headers_of_this_call()},
            "timeout": request_timeout(self._settings),
            "follow_redirects": False,  # the texts go nowhere but where the configuration says
            "security": {"bearer_auth": True},  # and never the administrator's key
        }
        sent = {**self._settings.body, **body, "model": self._endpoint.model}
        try:
            response = await client.post(_PATH, cast_to=httpx2.Response, body=sent, options=options, stream=True)
        except (TypeError, ValueError) as exc:
            raise BadParameterError(f"the request cannot be sent: {type(exc).__name__}: {exc}") from exc
        exchange.request_id = request_id_of(response.headers)
        exchange.begun = True
        found, parts = bytearray(), response.aiter_bytes()
        try:
            if response.headers.get("content-type", "").lower().startswith("text/html"):
                raise self._failures.web_page(response.status_code, exchange)
            async for part in parts:
                found += part
                if len(found) > LARGEST:
                    raise EventTooLargeError(f"an answer of more than {LARGEST} bytes")
        finally:
            with anyio.CancelScope(shield=True), suppress(*TRANSPORT, httpx2.StreamError):
                await response.aclose()
                async for _ in parts:  # httpx2 leaves it unfinished; that it reads on and fails ends it
                    pass
        return bytes(found)
