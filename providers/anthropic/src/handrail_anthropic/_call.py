"""One request and its answer, read below the SDK's objects."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx2
from handrail_http import EventSplitter, Exchange, data_of, plain_json, request_timeout

from handrail_anthropic._answer import Answer
from handrail_anthropic._failures import EXPECTED
from handrail_anthropic._request import request_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from anthropic import AsyncAnthropic, RequestOptions
    from handrail import Chunk, Message
    from handrail_http import Endpoint, Failures, PerLoop, Segments
    from httpx2 import Response

    from handrail_anthropic._settings import AnthropicSettings

_PATH = "/v1/messages"


class Call:
    """One request of one stream; nothing of it is shared with others but the connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: AnthropicSettings,
        clients: PerLoop[AsyncAnthropic],
        headers: Mapping[str, Any],
        failures: Failures,
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._clients = clients
        self._headers = headers
        self._failures = failures

    async def chunks(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Send the request, and yield its answer chunk by chunk.

        Raises:
            ProviderError: the request could not be sent, or the answer is late, incomplete, an error, or none.
        """
        client = await self._clients.get()
        exchange = Exchange(self._failures, self._settings, client.base_url, protocol="the Messages API")
        try:
            body = request_body(self._endpoint, self._settings, messages, params)
            response = await exchange.opened(self._sent(client, body))
            async with exchange.body(response) as segments, aclosing(_read(segments, exchange)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except EXPECTED as exc:
            failure = self._failures.of(exc, exchange)
        else:
            return
        raise failure

    async def _sent(self, client: AsyncAnthropic, body: Mapping[str, Any]) -> Response:
        """Send the request, again where it failed.

        By the SDK's way for requests that it knows nothing of: `messages.create` looks at each message first.
        """
        options: RequestOptions = {
            "headers": {"Accept-Encoding": "identity", **self._headers},
            "timeout": request_timeout(self._settings.chunk_timeout),
            "follow_redirects": False,  # the conversation goes nowhere but where the configuration says
        }
        content = plain_json(body) if self._settings.client is None else None  # a program's own client looks into it
        given = body if content is None else None
        return await client.post(
            _PATH, cast_to=httpx2.Response, body=given, content=content, options=options, stream=True
        )


def _read(segments: Segments, exchange: Exchange) -> AsyncGenerator[Chunk, None]:
    """Read the answer in the form that it has."""
    answer = Answer({} if exchange.request_id is None else {"request_id": exchange.request_id})
    if exchange.in_one_piece:
        return _in_one_piece(segments, answer, exchange)
    return _events(segments, answer, exchange)


async def _events(segments: Segments, answer: Answer, exchange: Exchange) -> AsyncGenerator[Chunk, None]:
    splitter = EventSplitter()
    async for segment in segments:
        for data in splitter.feed(segment):
            chunk = answer.chunk(data)
            if chunk is not None:
                yield chunk
            if answer.closed:
                break
        if answer.closed:
            await exchange.read_out(segments)
            break
    for data in () if answer.closed else data_of(splitter.rest()):
        for chunk in answer.last(data):
            yield chunk
    if not answer.finished:
        raise exchange.broken()


async def _in_one_piece(segments: Segments, answer: Answer, exchange: Exchange) -> AsyncGenerator[Chunk, None]:
    """Read the answer of a server that does not stream, or that sends its errors with success."""
    chunks = answer.whole(await exchange.whole(segments))
    for chunk in exchange.answered(chunks, finished=answer.finished):
        yield chunk
