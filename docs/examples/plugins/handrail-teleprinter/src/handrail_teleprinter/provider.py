"""The provider: one connection for each answer, one line for each piece of it.

The protocol, in UTF-8 with one `\n` at the end of each line; what stands behind a word is JSON:

    -> MODEL "name"
    -> SAY {"role": "user", "content": "Hello"}      for each message
    -> GO {"max_tokens": 100}
    <- + "the next piece"                            for each piece
    <- END {"reason": "stop", "input": 5, "output": 7}
    <- ERR {"code": "busy", "message": "try later"}  in place of what would come
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream
from handrail import Chunk, Usage
from handrail.errors import (
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from anyio.abc import SocketStream
    from handrail import Message, ProviderContext

    from handrail_teleprinter.settings import TeleprinterSettings

ENGINE = "teleprinter"
LONGEST_LINE = 1024 * 1024
_KINDS: dict[str, type[ProviderError]] = {"busy": ProviderRateLimitError, "request": ProviderBadRequestError}
_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.IncompleteRead, anyio.EndOfStream)


class TeleprinterProvider:
    """One model behind a teleprinter."""

    def __init__(self, settings: TeleprinterSettings, context: ProviderContext) -> None:
        self._settings = settings
        self._model = context.model.model

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Ask, and give each piece as it comes. Closing this hangs up, and the model stops."""
        async with await self._connected() as line:
            try:
                await line.send(self._request(messages, params))
            except _BROKEN:
                raise _error(ProviderConnectionError, "the connection broke") from None
            received = BufferedByteReceiveStream(line)
            while True:
                chunk = _chunk(await self._next(received))
                yield chunk
                if chunk.finish_reason is not None:
                    return

    async def _connected(self) -> SocketStream:
        host, port = self._settings.host, self._settings.port
        try:
            with anyio.fail_after(self._settings.line_timeout):
                return await anyio.connect_tcp(host, port)
        except TimeoutError:
            raise _error(ProviderTimeoutError, f"no connection to {host}:{port} in time") from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise _error(ProviderConnectionError, f"no connection to {host}:{port}: {reason}") from None

    async def _next(self, received: BufferedByteReceiveStream) -> bytes:
        seconds = self._settings.line_timeout
        try:
            with anyio.fail_after(seconds):
                return await received.receive_until(b"\n", LONGEST_LINE)
        except TimeoutError:
            raise _error(ProviderTimeoutError, f"sent no line for {seconds:g} s") from None
        except anyio.DelimiterNotFound:
            raise _error(ProviderServerError, f"sent a line of more than {LONGEST_LINE} bytes") from None
        except _BROKEN:
            raise _error(ProviderConnectionError, "the connection ended before the answer did") from None

    def _request(self, messages: Sequence[Message], params: Mapping[str, Any]) -> bytes:
        limit = params.get("max_tokens") or self._settings.max_tokens
        lines = [("MODEL", self._model), *(("SAY", dict(message)) for message in messages)]
        lines.append(("GO", {"max_tokens": limit} if limit else {}))
        return "".join(f"{word} {json.dumps(value)}\n" for word, value in lines).encode()


def _chunk(line: bytes) -> Chunk:
    """Read one line of an answer."""
    word, _, rest = line.decode("utf-8", "replace").partition(" ")
    try:
        value = json.loads(rest)
        if word == "+" and isinstance(value, str):
            return Chunk(value)
        if word == "END":
            return Chunk(usage=Usage(value["input"], value["output"]), finish_reason=value["reason"])
        if word == "ERR":
            kind = _KINDS.get(value["code"], ProviderServerError)
            raise _error(kind, str(value["message"]), code=str(value["code"]))
    except (ValueError, KeyError, TypeError):
        pass
    raise _error(ProviderServerError, "sent a line that is no part of the protocol")


def _error(kind: type[ProviderError], what: str, *, code: str | None = None) -> ProviderError:
    return kind(f"teleprinter: {what}", code=code, engine=ENGINE)
