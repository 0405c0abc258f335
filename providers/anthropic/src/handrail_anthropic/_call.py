"""One request and its answer: opened, read below the SDK's objects, watched by the clock, closed at once."""

from __future__ import annotations

import math
from contextlib import aclosing, asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio
import httpx2

from handrail_anthropic._answer import Answer
from handrail_anthropic._bounded import pieces_of
from handrail_anthropic._client import request_timeout
from handrail_anthropic._failures import EXPECTED, Exchange, Failures
from handrail_anthropic._problems import BadParameterError
from handrail_anthropic._reports import request_id_of
from handrail_anthropic._request import request_body
from handrail_anthropic._sse import LARGEST_EVENT, EventSplitter, EventTooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from typing import TypeAlias

    from anthropic import AsyncAnthropic, RequestOptions
    from handrail import Chunk, Message
    from handrail.errors import ProviderError
    from httpx2 import URL, Response

    from handrail_anthropic._client import Clients
    from handrail_anthropic._endpoint import Endpoint
    from handrail_anthropic._settings import AnthropicSettings

    Segments: TypeAlias = AsyncGenerator[bytes, None]

_PATH = "/v1/messages"
_LAST_BYTES_SECONDS = 0.05
"""How long to wait for the end of the HTTP body after the end of the answer, so that the connection can be kept."""


class Call:
    """One request of one stream; nothing of it is shared with others but the connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: AnthropicSettings,
        clients: Clients,
        headers: Mapping[str, Any],
        failures: Failures,
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._clients = clients
        self._headers = headers
        self._failures = failures
        self._exchange = Exchange("")
        self._deadline = math.inf
        self._silence = math.inf if settings.chunk_timeout is None else settings.chunk_timeout

    async def chunks(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Send the request, and yield its answer chunk by chunk.

        Raises:
            ProviderError: the request could not be sent, or the answer is late, incomplete, an error, or none.
        """
        client = await self._clients.get()
        self._exchange = Exchange(_shown(client.base_url))
        try:
            body = request_body(self._endpoint, self._settings, messages, params)
            if self._settings.timeout is not None:
                self._deadline = monotonic() + self._settings.timeout
            response = await self._opened(client, body)
            async with (
                _bytes_of(response) as segments,
                aclosing(self._watched(segments)) as watched,
                aclosing(self._read(response, watched)) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk
        except EXPECTED as exc:
            failure = self._failures.of(exc, self._exchange)
        else:
            return
        raise failure

    async def _opened(self, client: AsyncAnthropic, body: Mapping[str, Any]) -> Response:
        """Send the request, again where it failed, and wait for the headers of the answer.

        By the SDK's way for requests that it knows nothing of: `messages.create` looks at each message first.
        """
        options: RequestOptions = {
            "headers": {"Accept-Encoding": "identity", **self._headers},
            "timeout": request_timeout(self._settings),
            "follow_redirects": False,  # the conversation goes nowhere but where the configuration says
        }
        response: Response | None = None
        with anyio.move_on_after(self._deadline - monotonic()):
            try:
                response = await client.post(_PATH, cast_to=httpx2.Response, body=body, options=options, stream=True)
            except (TypeError, ValueError) as exc:
                raise BadParameterError(f"the request cannot be sent: {type(exc).__name__}: {exc}") from exc
        if response is None:
            raise self._late()
        self._exchange.begun = True
        self._exchange.request_id = request_id_of(response.headers)
        return response

    def _read(self, response: Response, segments: Segments) -> AsyncGenerator[Chunk, None]:
        """Read the answer in the form that it has."""
        kind = _media_type(response)
        if kind == "text/html":
            raise self._failures.web_page(response.status_code, self._exchange)
        return self._in_one_piece(segments) if kind == "application/json" else self._events(segments)

    def _answer(self) -> Answer:
        request_id = self._exchange.request_id
        return Answer({} if request_id is None else {"request_id": request_id})

    async def _events(self, segments: Segments) -> AsyncGenerator[Chunk, None]:
        splitter, answer = EventSplitter(), self._answer()
        async for segment in segments:
            for data in splitter.feed(segment):
                chunk = answer.chunk(data)
                if chunk is not None:
                    yield chunk
                elif answer.closed:
                    await _read_out(segments)
                    return
        if not answer.finished:
            raise self._failures.broken("ended its answer without saying that it is complete", self._exchange)

    async def _in_one_piece(self, segments: Segments) -> AsyncGenerator[Chunk, None]:
        """Read the answer of a server that does not stream, or that sends its errors with success."""
        body = bytearray()
        async for segment in segments:
            body += segment
            if len(body) > LARGEST_EVENT:
                raise EventTooLargeError(f"an answer of more than {LARGEST_EVENT} bytes")
        for chunk in self._answer().whole(bytes(body)):
            yield chunk

    async def _watched(self, segments: Segments) -> Segments:
        """Return the bytes as they come, until the time for the whole answer is over.

        The connection itself watches over `chunk_timeout`, so as long as there is more time than that in all, nothing
        needs to be done for each segment. Only then is each read given its own deadline, which costs as much as it.
        """
        unhurried = math.inf if self._deadline == math.inf else self._deadline - self._silence
        if monotonic() < unhurried:
            async for segment in segments:
                yield segment
                if monotonic() > unhurried:
                    break
            else:
                return
        while True:
            with anyio.move_on_after(self._deadline - monotonic()) as scope:
                segment = await anext(segments, b"")
            if scope.cancelled_caught:
                raise self._late()
            if not segment:
                return
            yield segment

    def _late(self) -> ProviderError:
        return self._failures.late(self._settings.timeout or math.inf, self._exchange)


@asynccontextmanager
async def _bytes_of(response: Response) -> AsyncGenerator[Segments, None]:
    """Yield the bytes of an answer as they come, and give up the request at the end."""
    try:
        async with aclosing(pieces_of(response)) as segments:
            yield segments
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()


async def _read_out(segments: Segments) -> None:
    """Read the end of the HTTP body, so that the connection can be used again; give up soon."""
    with anyio.move_on_after(_LAST_BYTES_SECONDS):
        async for _ in segments:
            pass


def _media_type(response: Response) -> str:
    value: str = response.headers.get("content-type", "")
    return value.partition(";")[0].strip().lower()


def _shown(url: URL) -> str:
    """Return an address for people, without what may be secret in it."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path.rstrip('/')}"
