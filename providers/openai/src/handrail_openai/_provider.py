"""The provider: asks for an answer with the official SDK, and reads its event stream below the SDK's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_http import PerLoop

from handrail_openai._api import Api, api_of
from handrail_openai._call import Call
from handrail_openai._client import given_client, make_client, request_headers
from handrail_openai._embeddings import Embeddings
from handrail_openai._endpoint import settle
from handrail_openai._failures import SDK, Failures
from handrail_openai._service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from handrail import Chunk, Message, ProviderContext

    from handrail_openai._settings import OpenAISettings


class OpenAIProvider:
    """A model behind OpenAI's Chat Completions or Responses, at OpenAI or anywhere else.

    Args:
        settings: the parameters of the model.
        context: of the configuration.
        service: how the service differs from a server of OpenAI's protocol, for packages that reach one.

    Making one imports the SDK, which takes a second or two; no connection is opened before the first request.
    """

    def __init__(self, settings: OpenAISettings, context: ProviderContext, service: Service | None = None) -> None:
        self._settings = settings
        self._service = service = service or Service()
        self._endpoint = endpoint = settle(settings, context)
        self._failures = Failures(endpoint, SDK)
        given = given_client(settings, endpoint)
        self._clients = PerLoop(lambda: make_client(endpoint, settings, service), given=given)
        self._headers = {} if service.authenticates else request_headers(self._endpoint, settings)

    @property
    def api(self) -> Api:
        """Which interface a call without parameters of its own is made by, as `handrail check` shows it."""
        return api_of(self._endpoint, self._settings, {})

    def __repr__(self) -> str:
        return f"<OpenAIProvider {self._endpoint.engine} {self._endpoint.model!r}>"

    def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Ask the model; the request goes out when the first chunk is asked for.

        Raises:
            ProviderError: as the stream is read: the model could not answer, or its answer broke off.
        """
        call = Call(self._endpoint, self._settings, self._clients, self._headers, self._failures, self._service)
        return call.chunks(messages, params)

    async def embed(self, body: Mapping[str, Any]) -> bytes:
        """Ask the model for embeddings, with a body as OpenAI has it; return the JSON of its answer as it came.

        Raises:
            ProviderError: the model could not answer.
        """
        asked = Embeddings(self._endpoint, self._settings, self._clients, self._headers, self._failures)
        return await asked.ask(body)

    async def aclose(self) -> None:
        """Close the pooled connections of this event loop. A later stream opens new ones."""
        await self._clients.aclose()
