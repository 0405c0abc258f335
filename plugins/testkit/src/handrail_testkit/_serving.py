"""Serves one of Handrail's providers, such as the scripted one, over the protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderError,
    ProviderRateLimitError,
    ProviderTimeoutError,
)

from handrail_testkit._completions import chunk_objects, error_object
from handrail_testkit._http import Received, end, framed, head
from handrail_testkit.replies import DONE, EVENT_STREAM, event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handrail import Chunk, Provider

_NOT_PARAMETERS = ("messages", "model", "stream", "stream_options")

Send = Callable[[bytes], Awaitable[None]]


async def serve_model(model: Provider, request: Received, send: Send) -> bool:
    """Let the model answer the request; False if the connection is of no further use."""
    body: Mapping[str, Any] = request.json
    params = {name: value for name, value in body.items() if name not in _NOT_PARAMETERS}
    include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    begun = False
    stream = cast("AsyncGenerator[Chunk, None]", model.stream(body["messages"], params))
    try:
        async with aclosing(stream):
            async for chunk in stream:
                if not begun:
                    begun = True
                    await send(head(200, EVENT_STREAM, "chunked", 0))
                for payload in chunk_objects(chunk, body["model"], include_usage=include_usage):
                    await send(framed(event(payload), "chunked"))
    except ProviderError as exc:
        await _send_error(exc, send, begun=begun)
        return False
    opening = b"" if begun else head(200, EVENT_STREAM, "chunked", 0)
    await send(opening + framed(DONE, "chunked") + end("chunked"))
    return True


async def _send_error(exc: ProviderError, send: Send, *, begun: bool) -> None:
    payload = error_object(str(exc), type="server_error", code=exc.code)
    if begun:
        await send(framed(event(payload), "chunked") + end("chunked"))
        return
    piece = event(payload).removeprefix(b"data: ").strip()
    headers = {"content-type": "application/json"}
    if isinstance(exc, ProviderRateLimitError) and exc.retry_after is not None:
        headers["retry-after"] = str(exc.retry_after)
    await send(head(exc.status or _status_of(exc), headers, "length", len(piece)) + piece)


def _status_of(exc: ProviderError) -> int:
    statuses: tuple[tuple[type[ProviderError], int], ...] = (
        (ProviderAuthenticationError, 401),
        (ProviderRateLimitError, 429),
        (ProviderBadRequestError, 400),
        (ProviderTimeoutError, 408),
    )
    return next((status for kind, status in statuses if isinstance(exc, kind)), 500)
