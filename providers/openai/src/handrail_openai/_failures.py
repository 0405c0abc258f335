"""Turns what can go wrong into Handrail's provider errors, with what happened and what to do.

The errors are raised with neither cause nor context: those of the SDK carry the request with its key, and the
server's words as they came, in which some servers repeat the key. What they say is taken over without it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)

from handrail_openai._answer import ErrorEvent
from handrail_openai._bounded import TRANSPORT, EncodingError
from handrail_openai._endpoint import Endpoint
from handrail_openai._reports import brief, class_of, facts_of, request_id_of, retry_after_of
from handrail_openai._request import BadParameterError
from handrail_openai._service import CredentialsError
from handrail_openai._sse import EventTooLargeError
from handrail_openai._wire import NotAChunkError

EXPECTED = (
    *(openai.OpenAIError, ErrorEvent, NotAChunkError, EventTooLargeError, EncodingError, BadParameterError),
    *TRANSPORT,
)
"""Everything that a request and its answer raise in the ordinary course of things going wrong."""


@dataclass(slots=True)
class Exchange:
    """What is known of a request when it fails.

    Attributes:
        address: where it went, as a person may see it.
        api: which of OpenAI's interfaces it asked for.
        request_id: the server's id of it.
        begun: the server has answered with success, and the answer is being read.
    """

    address: str
    api: str = "Chat Completions"
    request_id: str | None = None
    begun: bool = False


class Failures:
    """Names the failures of one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def of(self, exc: BaseException, exchange: Exchange) -> ProviderError:
        """Give the error to raise for one of `EXPECTED`."""
        if isinstance(exc, openai.APIStatusError):
            return self._status(exc, exchange)
        if isinstance(exc, CredentialsError):
            return self._make(ProviderAuthenticationError, str(exc), exchange)
        if isinstance(exc, ErrorEvent):
            return self._reported(exc.error, exchange)
        if isinstance(exc, BadParameterError):
            return self._make(ProviderBadRequestError, str(exc), exchange)
        if isinstance(exc, NotAChunkError | EventTooLargeError | EncodingError):
            what = f"sent what is no chunk of an answer ({exc}); is it a server of OpenAI's {exchange.api}?"
            return self._make(ProviderServerError, what, exchange)
        if isinstance(exc, openai.APITimeoutError | httpx2.TimeoutException):
            return self._silent(exc, exchange)
        return self._connection(exc, exchange)

    def late(self, seconds: float, exchange: Exchange) -> ProviderError:
        """Give the error for an answer that takes longer than it may in total."""
        what = f"the answer was not complete after {seconds:g} s, and 'timeout' allows no more"
        return self._make(ProviderTimeoutError, what, exchange)

    def broken(self, what: str, exchange: Exchange) -> ProviderError:
        """Give the error for an answer that ended before it was complete."""
        return self._make(ProviderConnectionError, what, exchange)

    def web_page(self, status: int, exchange: Exchange) -> ProviderError:
        """Give the error for a web page where an answer was due."""
        what = "answered with a web page; check 'base_url', which usually ends in /v1"
        return self._make(ProviderBadRequestError, what, exchange, status=status)

    def _silent(self, exc: BaseException, exchange: Exchange) -> ProviderError:
        if isinstance(_root(exc, httpx2.ConnectTimeout), httpx2.ConnectTimeout):
            what = "no connection in time; check 'base_url', the network and the proxy"
        else:
            what = "sent nothing for as long as 'chunk_timeout' allows; raise it for a model that thinks in silence"
        return self._make(ProviderTimeoutError, what, exchange)

    def _status(self, exc: openai.APIStatusError, exchange: Exchange) -> ProviderError:
        status, headers, body = exc.status_code, exc.response.headers, exc.body
        exchange.request_id = request_id_of(headers)
        if exc.response.has_redirect_location:
            what = f"answered with a redirect ({status}), which is not followed; write its final address as 'base_url'"
            return self._make(ProviderServerError, what, exchange, status=status)
        if headers.get("content-type", "").lower().startswith("text/html"):
            if status in (400, 404, 405):
                return self.web_page(status, exchange)
            body = None
        message, code, kind = facts_of(body)
        found = class_of(status, code, kind, message)
        what = f"{status}: {message or exc.response.reason_phrase or 'no reason given'}"
        retry_after = retry_after_of(headers) if found is ProviderRateLimitError else None
        return self._make(found, what, exchange, status=status, code=code or kind, retry_after=retry_after)

    def _reported(self, error: object, exchange: Exchange) -> ProviderError:
        """Give the error for one that the server sent in its answer."""
        message, code, kind = facts_of(error)
        status = int(code) if code and code.isdigit() and 400 <= int(code) < 600 else None  # of HTTP
        found = class_of(status or 500, code, kind, message)
        what = f"broke off with an error: {message or kind or 'no reason given'}"
        return self._make(found, what, exchange, status=status, code=code or kind)

    def _connection(self, exc: BaseException, exchange: Exchange) -> ProviderError:
        certificate = _root(exc, ssl.SSLCertVerificationError)
        if isinstance(certificate, ssl.SSLCertVerificationError):
            what = (
                f"its certificate cannot be verified ({certificate.verify_message}); if the server is yours, name the "
                f"certificate of its authority in 'ca_file'"
            )
        elif exchange.begun:
            what = f"the connection broke before the answer was complete ({_reason(exc)})"
        else:
            what = f"no answer, the connection failed ({_reason(exc)}); check that the server runs, and 'base_url'"
        return self._make(ProviderConnectionError, what, exchange)

    def _make(
        self,
        kind: type[ProviderError],
        what: str,
        exchange: Exchange,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> ProviderError:
        endpoint = self._endpoint
        text = endpoint.scrubbed(f"{endpoint.engine} {endpoint.model!r} at {exchange.address}: {what}")
        if advice := self._advice(kind, retry_after):
            text = f"{text.rstrip('. ')}; {advice}"
        facts: dict[str, Any] = {"status": status, "code": code, "engine": endpoint.engine}
        if kind is ProviderRateLimitError:
            facts["retry_after"] = retry_after
        return kind(text, request_id=exchange.request_id, **facts)

    def _advice(self, kind: type[ProviderError], retry_after: float | None) -> str:
        if kind is ProviderAuthenticationError:
            variable = self._endpoint.key_variable
            return f"check the key in {variable!r}" if variable else "check the key"
        if kind is ProviderContextLengthError:
            return "shorten the conversation"
        if kind is ProviderRateLimitError and retry_after is not None:
            return f"try again after {retry_after:g} s"
        return ""


def _root(exc: BaseException, kind: type[BaseException]) -> BaseException:
    """Give the first of this kind among an exception and its causes, else the last of them."""
    while not isinstance(exc, kind) and (cause := exc.__cause__ or exc.__context__) is not None:
        exc = cause
    return exc


def _reason(exc: BaseException) -> str:
    """Give the words of the deepest cause, which is the operating system's where there is one."""
    deepest = exc
    while (cause := _next_cause(deepest)) is not None:
        deepest = cause
    return brief(str(deepest) or type(deepest).__name__)


def _next_cause(exc: BaseException) -> BaseException | None:
    if isinstance(exc, BaseExceptionGroup):
        return exc.exceptions[0]
    return exc.__cause__ or exc.__context__
