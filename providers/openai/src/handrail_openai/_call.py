"""One request and its answer: opened, read below the SDK's objects, watched by the clock, closed at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import aclosing, asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio
import httpx2

from handrail_openai._answer import Answer
from handrail_openai._api import Api, api_of
from handrail_openai._bounded import pieces_of
from handrail_openai._client import headers_of_this_call, request_timeout
from handrail_openai._failures import EXPECTED, Exchange, Failures
from handrail_openai._reports import request_id_of
from handrail_openai._request import BadParameterError, request_body
from handrail_openai._responses import ResponseAnswer, responses_body
from handrail_openai._sse import LARGEST_EVENT, EventSplitter, EventTooLargeError
from handrail_openai._think import ThinkSplitter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from typing import TypeAlias

    from handrail import Chunk, Message
    from handrail.errors import ProviderError
    from httpx2 import URL, Response
    from openai import AsyncOpenAI, RequestOptions

    from handrail_openai._client import Clients
    from handrail_openai._endpoint import Endpoint
    from handrail_openai._service import Service
    from handrail_openai._settings import OpenAISettings

    Segments: TypeAlias = AsyncGenerator[bytes, None]

_PATHS: Mapping[Api, str] = {"chat": "/chat/completions", "responses": "/responses"}
_NAMES: Mapping[Api, str] = {"chat": "Chat Completions", "responses": "Responses"}
_DONE = (b"[DONE]", b'"[DONE]"')
_LAST_BYTES_SECONDS = 0.05
"""How long to wait for the end of the HTTP body after the end of the answer, so that the connection can be kept."""


class Call:
    """One request of one stream; nothing of it is shared with others but the connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: OpenAISettings,
        clients: Clients,
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
        self._exchange = Exchange("")
        self._api: Api = "chat"
        self._deadline = math.inf
        self._silence = math.inf if settings.chunk_timeout is None else settings.chunk_timeout

    async def chunks(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Send the request, and give its answer chunk by chunk.

        Raises:
            ProviderError: the request could not be sent, or the answer is late, incomplete, an error, or none.
        """
        client = await self._clients.get()
        self._api = api_of(self._endpoint, self._settings, params)
        self._exchange = Exchange(_shown(client.base_url), _NAMES[self._api])
        try:
            make_body = responses_body if self._api == "responses" else request_body
            body = make_body(self._endpoint, self._settings, messages, params)
            if self._service.body is not None:
                body = self._service.body(body)
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

    async def _opened(self, client: AsyncOpenAI, body: Mapping[str, Any]) -> Response:
        """Send the request, again where it failed, and wait for the headers of the answer.

        By the SDK's way for requests that it knows nothing of: `chat.completions.create` looks at each message first.
        """
        options: RequestOptions = {
            "headers": {"Accept-Encoding": "identity", **self._headers, **headers_of_this_call()},
            "timeout": request_timeout(self._settings),
            "follow_redirects": False,  # the conversation goes nowhere but where the configuration says
            "security": {"bearer_auth": True},  # and never the administrator's key
        }
        response: Response | None = None
        with anyio.move_on_after(self._deadline - monotonic()):
            try:
                response = await client.post(
                    self._service.path or _PATHS[self._api],
                    cast_to=httpx2.Response,
                    body=body,
                    options=options,
                    stream=True,
                )
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
        answer = self._answer(response.headers)
        return self._in_one_piece(segments, answer) if kind == "application/json" else self._events(segments, answer)

    def _answer(self, headers: Mapping[str, str]) -> Answer | ResponseAnswer:
        request_id = self._exchange.request_id
        metadata = {} if request_id is None else {"request_id": request_id}
        if self._api == "responses":
            return ResponseAnswer(metadata, headers)
        think = self._settings.think_block
        return Answer(metadata, headers, think=ThinkSplitter(opened=think == "opened") if think else None)

    async def _events(self, segments: Segments, answer: Answer | ResponseAnswer) -> AsyncGenerator[Chunk, None]:
        splitter = EventSplitter()
        async for segment in segments:
            for data in splitter.feed(segment):
                is_done = data.startswith(_DONE)
                for chunk in () if is_done else answer.chunks(data):
                    yield chunk
                if is_done or answer.closed:
                    for chunk in self._end(answer):
                        yield chunk
                    await _read_out(segments)
                    return
        for chunk in self._end(answer):
            yield chunk

    def _end(self, answer: Answer | ResponseAnswer) -> Sequence[Chunk]:
        """Return the last chunks of an answer whose end has come.

        Raises:
            ProviderError: it was not told why it ended, so it was cut.
        """
        if not answer.finished:
            raise self._failures.broken("ended its answer without saying that it is complete", self._exchange)
        return answer.end()

    async def _in_one_piece(self, segments: Segments, answer: Answer | ResponseAnswer) -> AsyncGenerator[Chunk, None]:
        """Read the answer of a server that does not stream, or that sends its errors with success."""
        body = bytearray()
        async for segment in segments:
            body += segment
            if len(body) > LARGEST_EVENT:
                raise EventTooLargeError(f"an answer of more than {LARGEST_EVENT} bytes")
        for chunk in (*answer.chunks(bytes(body)), *answer.end()):
            yield chunk

    async def _watched(self, segments: Segments) -> Segments:
        """Give the bytes as they come, until the time for the whole answer is over.

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
    """Give the bytes of an answer as they come, and give up the request at the end."""
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
    """Give an address for people, without what may be secret in it."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path.rstrip('/')}"
