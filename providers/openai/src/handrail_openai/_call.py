"""One request and its answer, read below the SDK's objects."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx2
from handrail_http import EventSplitter, Exchange, plain_json

from handrail_openai._answer import Answer
from handrail_openai._api import Api, api_of
from handrail_openai._client import request_options
from handrail_openai._failures import EXPECTED, Failures
from handrail_openai._request import request_body
from handrail_openai._responses import ResponseAnswer, responses_body
from handrail_openai._think import ThinkSplitter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from handrail import Chunk, Message
    from handrail_http import PerLoop, Segments
    from httpx2 import Response
    from openai import AsyncOpenAI

    from handrail_openai._endpoint import Endpoint
    from handrail_openai._service import Service
    from handrail_openai._settings import OpenAISettings

_PATHS: Mapping[Api, str] = {"chat": "/chat/completions", "responses": "/responses"}
_NAMES: Mapping[Api, str] = {"chat": "Chat Completions", "responses": "Responses"}


class Call:
    """One request of one stream; nothing of it is shared with others but the connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: OpenAISettings,
        clients: PerLoop[AsyncOpenAI],
        headers: Mapping[str, Any],
        failures: Failures,
        service: Service,
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._clients = clients
        self._headers = headers
        self._failures = failures
        self._service = service

    async def chunks(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Send the request, and yield its answer chunk by chunk.

        Raises:
            ProviderError: the request could not be sent, or the answer is late, incomplete, an error, or none.
        """
        client = await self._clients.get()
        api = api_of(self._endpoint, self._settings, params)
        exchange = Exchange(self._failures, self._settings, client.base_url, protocol=f"OpenAI's {_NAMES[api]}")
        try:
            response = await exchange.opened(self._sent(client, api, self._body(api, messages, params)))
            async with (
                exchange.body(response) as segments,
                aclosing(self._read(api, response, segments, exchange)) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk
        except EXPECTED as exc:
            failure = self._failures.of(exc, exchange)
        else:
            return
        raise failure

    def _body(self, api: Api, messages: Sequence[Message], params: Mapping[str, Any]) -> Mapping[str, Any]:
        make_body = responses_body if api == "responses" else request_body
        body = make_body(self._endpoint, self._settings, messages, params)
        return body if self._service.body is None else self._service.body(body)

    async def _sent(self, client: AsyncOpenAI, api: Api, body: Mapping[str, Any]) -> Response:
        """Send the request, again where it failed.

        By the SDK's way for requests that it knows nothing of: `chat.completions.create` looks at each message first.
        """
        options = request_options(self._settings, self._headers)
        path = self._service.path or _PATHS[api]
        content = plain_json(body) if self._is_plain else None
        given = body if content is None else None
        return await client.post(
            path, cast_to=httpx2.Response, body=given, content=content, options=options, stream=True
        )

    @property
    def _is_plain(self) -> bool:
        """Whether the body may be written here: Azure's client, a service's and a program's own look into it."""
        own = self._settings.client is None and not self._service.authenticates
        return own and self._endpoint.kind.name != "azure_openai"

    def _read(
        self, api: Api, response: Response, segments: Segments, exchange: Exchange
    ) -> AsyncGenerator[Chunk, None]:
        """Read the answer in the form that it has."""
        answer = self._answer(api, response.headers, exchange)
        if exchange.in_one_piece:
            return self._in_one_piece(segments, answer, exchange)
        return self._events(segments, answer, exchange)

    def _answer(self, api: Api, headers: Mapping[str, str], exchange: Exchange) -> Answer | ResponseAnswer:
        metadata = {} if exchange.request_id is None else {"request_id": exchange.request_id}
        if api == "responses":
            return ResponseAnswer(metadata, headers)
        think = self._settings.think_block
        return Answer(metadata, headers, think=ThinkSplitter(opened=think == "opened") if think else None)

    async def _events(
        self, segments: Segments, answer: Answer | ResponseAnswer, exchange: Exchange
    ) -> AsyncGenerator[Chunk, None]:
        splitter = EventSplitter()
        async for segment in segments:
            for chunk in answer.read(splitter.block(segment)):
                yield chunk
            if answer.closed:
                break
        for chunk in () if answer.closed else answer.read(splitter.rest()):
            yield chunk
        for chunk in _end(answer, exchange):
            yield chunk
        if answer.closed:
            await exchange.read_out(segments)

    async def _in_one_piece(
        self, segments: Segments, answer: Answer | ResponseAnswer, exchange: Exchange
    ) -> AsyncGenerator[Chunk, None]:
        """Read the answer of a server that does not stream, or that sends its errors with success."""
        chunks = (*answer.chunks(await exchange.whole(segments)), *answer.end())
        for chunk in exchange.answered(chunks, finished=answer.finished):
            yield chunk


def _end(answer: Answer | ResponseAnswer, exchange: Exchange) -> Sequence[Chunk]:
    """Return the last chunks of an answer whose end has come.

    Raises:
        ProviderError: it was not told why it ended, so it was cut.
    """
    if not answer.finished:
        raise exchange.broken()
    return answer.end()
