"""Requests that ask for another protocol, which is never granted: they are read as any other, body included.

Java's client for HTTP asks for HTTP/2 in this way with each first request. httptools ends a message that asks so at its
head. What follows would be no body, but the next request, which a proxy before this server has not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_FRAMING = (b"content-length", b"transfer-encoding")


class Parser:
    """A parser of httptools that goes on where another would wait for another protocol.

    Args:
        protocol: has the callbacks, and the headers of the message that is read.
    """

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        self._protocol = protocol
        self._parser = _parser(protocol)

    def feed_data(self, data: bytes) -> None:
        """Take what has come.

        Raises:
            httptools.HttpParserError: it is not HTTP.
        """
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                data = data[asked.args[0] :]
                self._parser = self._of_the_body()
            else:
                return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def _of_the_body(self) -> Any:
        """Return a parser that has read the same head, without the wish."""
        parser = _parser(_AfterHead(self._protocol))
        lines = [b"%b: %b\r\n" % (name, value) for name, value in self._protocol.headers if name in _FRAMING]
        parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(lines))
        return parser


class _AfterHead:
    """The callbacks of a protocol that knows the first head already."""

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        self._protocol = protocol
        self._is_known = True
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if not self._is_known:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_known:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_known:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_known:
            self._protocol.on_headers_complete()
        self._is_known = False


def _parser(callbacks: object) -> Any:
    parser = httptools.HttpRequestParser(callbacks)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
    return parser
