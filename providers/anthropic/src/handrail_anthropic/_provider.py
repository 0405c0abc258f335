"""The provider: asks for an answer with the official SDK, and reads its event stream below the SDK's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_http import Failures, PerLoop

from handrail_anthropic._call import Call
from handrail_anthropic._client import given_client, make_client, request_headers
from handrail_anthropic._endpoint import settle
from handrail_anthropic._failures import SDK

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from handrail import Chunk, Message, ProviderContext

    from handrail_anthropic._settings import AnthropicSettings


class AnthropicProvider:
    """A model behind the Messages API, at Anthropic or anywhere else.

    Making one imports the SDK, which takes a second or two; no connection is opened before the first request.
    """

    def __init__(self, settings: AnthropicSettings, context: ProviderContext) -> None:
        self._settings = settings
        self._endpoint = endpoint = settle(settings, context)
        self._failures = Failures(endpoint, SDK)
        given = given_client(settings, endpoint)
        self._clients = PerLoop(lambda: make_client(endpoint, settings), given=given)
        self._headers = request_headers(self._endpoint, settings)

    def __repr__(self) -> str:
        return f"<AnthropicProvider {self._endpoint.engine} {self._endpoint.model!r}>"

    def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Ask the model; the request goes out when the first chunk is asked for.

        Raises:
            ProviderError: as the stream is read: the model could not answer, or its answer broke off.
        """
        call = Call(self._endpoint, self._settings, self._clients, self._headers, self._failures)
        return call.chunks(messages, params)

    async def aclose(self) -> None:
        """Close the pooled connections of this event loop. A later stream opens new ones."""
        await self._clients.aclose()
