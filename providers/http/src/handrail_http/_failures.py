"""Turns what can go wrong into Handrail's provider errors, with what happened and what to do.

The errors are raised with neither cause nor context: those of an SDK carry the request with its key, and the
server's words as they came, in which some servers repeat the key. What they say is taken over without it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx2
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
    message_of,
)

from handrail_http._bodies import TRANSPORT, EncodingError
from handrail_http._problems import BadParameterError, ErrorEvent, NotAnEventError
from handrail_http._reports import DENIED, brief, class_of, facts_of, is_final, request_id_of, retry_after_of
from handrail_http._sse import EventTooLargeError

if TYPE_CHECKING:
    from handrail_http._endpoint import Endpoint
    from handrail_http._exchange import Exchange

_PASSING = frozenset((ProviderRateLimitError, ProviderServerError, ProviderTimeoutError))
"""Errors after which a server may say when to come again."""
_NOT_FOUND, _NO_SUCH_PATH = 404, (None, "not_found")
"""What a server answers at a path that it does not have: most name no code, and no server names a model's."""
_SERVER_ERROR = 500
"""What an error of an unknown kind within an answer is: the request itself was accepted."""


class _StatusError(Protocol):
    status_code: int
    response: httpx2.Response
    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """How an SDK and the servers that it is for report errors.

    Attributes:
        base: the SDK's own exceptions.
        status: its exception for an answer that is an error.
        timeout: its exception for an answer that does not come.
        kinds: by the code or the type of an error, as the service documents it.
        denied: statuses that say that the key does not allow the request.
        page: what to do about a web page in place of an answer.
    """

    base: type[Exception]
    status: type[Exception]
    timeout: type[Exception]
    kinds: Mapping[str, type[ProviderError]]
    denied: Collection[int] = DENIED
    page: str = "check 'base_url'"

    @property
    def expected(self) -> tuple[type[BaseException], ...]:
        """Everything that a request and its answer raise in the ordinary course of things going wrong."""
        ours = (ErrorEvent, NotAnEventError, EventTooLargeError, EncodingError, BadParameterError)
        return (self.base, *ours, *TRANSPORT)

    def class_of(self, status: int, code: str | None, kind: str | None, message: str) -> type[ProviderError]:
        """Return the kind of an error by its status and the server's own code, type and message."""
        named = self.kinds.get(code or "") or self.kinds.get(kind or "")
        return class_of(named, status, message, denied=self.denied)


class Failures:
    """Names the failures of one endpoint."""

    def __init__(self, endpoint: Endpoint, sdk: Sdk) -> None:
        self._endpoint = endpoint
        self._sdk = sdk

    def of(self, exc: BaseException, exchange: Exchange) -> ProviderError:
        """Return the error to raise for one of those that are expected."""
        if isinstance(exc, self._sdk.status):
            return self._status(cast("_StatusError", exc), exchange)
        if isinstance(exc, ErrorEvent):
            return self._reported(exc.error, exchange)
        if isinstance(exc, BadParameterError):
            return self.make(ProviderBadRequestError, message_of(exc), exchange, param=exc.param)
        if isinstance(exc, NotAnEventError | EventTooLargeError | EncodingError):
            what = f"sent what is not an event of an answer ({message_of(exc)}); is it a server of {exchange.protocol}?"
            return self.make(ProviderServerError, what, exchange)
        if isinstance(exc, (self._sdk.timeout, httpx2.TimeoutException)):
            return self._silent(exc, exchange)
        return self._connection(exc, exchange)

    def late(self, seconds: float, exchange: Exchange) -> ProviderError:
        """Return the error for an answer that takes longer than it may in total."""
        what = f"the answer was not complete after {seconds:g} s, and 'timeout' allows no more"
        return self.make(ProviderTimeoutError, what, exchange)

    def broken(self, exchange: Exchange) -> ProviderError:
        """Return the error for an answer that ended before it was complete."""
        return self.make(ProviderConnectionError, "ended its answer without saying that it is complete", exchange)

    def web_page(self, status: int, exchange: Exchange) -> ProviderError:
        """Return the error for a web page where an answer was due."""
        what = f"answered with a web page; {self._sdk.page}"
        return self.make(ProviderServerError, what, exchange, status=status)

    def make(
        self,
        kind: type[ProviderError],
        what: str,
        exchange: Exchange,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        final: bool = False,
        param: str | None = None,
    ) -> ProviderError:
        """Return an error with what is known of the exchange, and without any secret."""
        endpoint = self._endpoint
        text = endpoint.scrubbed(f"{endpoint.engine} {endpoint.model!r} at {exchange.address}: {what}")
        if advice := self._advice(kind, retry_after):
            text = f"{text.rstrip('. ')}; {advice}"
        code = None if code is None else endpoint.scrubbed(code)
        facts: dict[str, Any] = {"status": status, "code": code, "engine": endpoint.engine, "retry_after": retry_after}
        return kind(text, request_id=exchange.request_id, final=final, param=param, **facts)

    def _silent(self, exc: BaseException, exchange: Exchange) -> ProviderError:
        if isinstance(_root(exc, httpx2.ConnectTimeout), httpx2.ConnectTimeout):
            what = "no connection in time; check 'base_url', the network and the proxy"
        else:
            what = "sent nothing for as long as 'chunk_timeout' allows; raise it for models that reason silently"
        return self.make(ProviderTimeoutError, what, exchange)

    def _status(self, exc: _StatusError, exchange: Exchange) -> ProviderError:
        status, headers, body = exc.status_code, exc.response.headers, exc.body
        exchange.request_id = request_id_of(headers)
        if exc.response.has_redirect_location:
            what = f"answered with a redirect ({status}), which is not followed; write its final address as 'base_url'"
            return self.make(ProviderServerError, what, exchange, status=status)
        if headers.get("content-type", "").lower().startswith("text/html"):
            if status in (400, 404, 405):
                return self.web_page(status, exchange)
            body = None
        message, code, kind = facts_of(body)
        found = self._sdk.class_of(status, code, kind, message)
        what = f"{status}: {message or exc.response.reason_phrase or 'no reason given'}"
        if status == _NOT_FOUND and (code or kind) in _NO_SUCH_PATH:
            what = f"{what.rstrip('. ')}; {self._sdk.page}"
        facts: dict[str, Any] = {"status": status, "code": code or kind, "final": is_final(headers)}
        return self.make(
            found, what, exchange, retry_after=retry_after_of(headers) if found in _PASSING else None, **facts
        )

    def _reported(self, error: object, exchange: Exchange) -> ProviderError:
        """Return the error for one that the server sent in its answer."""
        message, code, kind = facts_of(error)
        status = int(code) if code and re.fullmatch("[45][0-9][0-9]", code) else None  # of HTTP
        found = self._sdk.class_of(status or _SERVER_ERROR, code, kind, message)
        what = f"broke off with an error: {message or kind or 'no reason given'}"
        return self.make(found, what, exchange, status=status, code=code or kind)

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
        return self.make(ProviderConnectionError, what, exchange)

    def _advice(self, kind: type[ProviderError], retry_after: float | None) -> str:
        if kind is ProviderAuthenticationError:
            variable = self._endpoint.key_variable
            return f"check the key in {variable!r}" if variable else "check the key"
        if kind is ProviderContextLengthError:
            return "shorten the conversation"
        if retry_after is not None:
            return f"try again after {retry_after:g} s"
        return ""


def _root(exc: BaseException, kind: type[BaseException]) -> BaseException:
    """Return the first of this kind among an exception and its causes, else the last of them."""
    while not isinstance(exc, kind) and (cause := exc.__cause__ or exc.__context__) is not None:
        exc = cause
    return exc


def _reason(exc: BaseException) -> str:
    """Return the words of the deepest cause, which is the operating system's where there is one."""
    deepest = exc
    while (cause := _next_cause(deepest)) is not None:
        deepest = cause
    return brief(str(deepest) or type(deepest).__name__)


def _next_cause(exc: BaseException) -> BaseException | None:
    if isinstance(exc, BaseExceptionGroup):
        return exc.exceptions[0]
    return exc.__cause__ or exc.__context__
