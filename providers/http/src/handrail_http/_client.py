"""The client for HTTP that SDKs are given: it bounds what it reads, checks certificates once, and shows no query."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx2

from handrail_http._bodies import beginning_of
from handrail_http._pools import SharedTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    MayHelp: TypeAlias = Callable[[int, Mapping[str, str], bytes], bool]

_CONNECT_SECONDS = 15.0
_ABOUT_THE_BYTES = (b"content-encoding", b"content-length", b"transfer-encoding")
_RETRY = b"x-should-retry"


class BoundedClient(httpx2.AsyncClient):
    """A client that reads no more of an error than its beginning, and says where no retry can help.

    The query of an address, in which some servers want a key, is sent and never shown in a log or an error.

    Args:
        may_help: returns whether sending a request again can help that failed with this status, headers and body.
        options: those of httpx2's client.
    """

    def __init__(self, *, may_help: MayHelp | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._may_help = may_help

    def build_request(self, *args: Any, **options: Any) -> httpx2.Request:
        """Build a request whose address shows no query."""
        request = super().build_request(*args, **options)
        request.url = _DiscreetURL(request.url)
        return request

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request, and replace the answer by its beginning if it is an error."""
        response = await super().send(request, stream=True, **options)
        if response.is_success:
            if not stream:
                await response.aread()
            return response
        try:
            body = await beginning_of(response)
        finally:
            await response.aclose()
        # As bytes, for they need not be ASCII.
        headers = [(key, value) for key, value in response.headers.raw if key.lower() not in _ABOUT_THE_BYTES]
        if self._may_help is not None and not self._may_help(response.status_code, response.headers, body):
            headers = [(key, value) for key, value in headers if key.lower() != _RETRY]
            headers.append((_RETRY, b"false"))
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)


class _DiscreetURL(httpx2.URL):
    """An address whose text has no query; what is sent has it."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc.decode('ascii', 'replace')}{self.path}"

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"


def bounded_client(ca_file: Path | None, *, may_help: MayHelp | None = None) -> BoundedClient:
    """Make a client for one event loop, which shares its connections with the others that this has made for it.

    Raises:
        OSError: the certificate authority's file cannot be read.
    """
    return BoundedClient(may_help=may_help, transport=SharedTransport(tls_context(ca_file)))


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return what checks certificates; one for all clients of the process, for reading them takes long and much memory.

    Raises:
        OSError: the file cannot be read.
    """
    changed = None if ca_file is None else ca_file.stat().st_mtime_ns
    return _tls_context(ca_file, changed, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=16)
def _tls_context(ca_file: Path | None, *_: object) -> ssl.SSLContext:
    """Return one for what is in a file, or else for what the environment says."""
    return httpx2.create_ssl_context() if ca_file is None else ssl.create_default_context(cafile=str(ca_file))


def request_timeout(silence: float | None) -> httpx2.Timeout:
    """Return the time-outs of single operations in seconds; that of the whole answer is kept by the exchange."""
    return httpx2.Timeout(connect=_CONNECT_SECONDS, read=silence, write=silence, pool=_CONNECT_SECONDS)
