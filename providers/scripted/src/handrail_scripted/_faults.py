"""The failures that a script can name, as the errors that Handrail's own providers raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContentFilterError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail_scripted._settings import ErrorType, ScriptedError


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: type[ProviderError]
    message: str
    status: int | None = None
    code: str | None = None


_FAULTS: Mapping[ErrorType, _Fault] = {
    "authentication": _Fault(ProviderAuthenticationError, "the key is not valid", 401, "invalid_api_key"),
    "bad_request": _Fault(ProviderBadRequestError, "the request is not valid", 400, "invalid_request"),
    "connection": _Fault(ProviderConnectionError, "the connection broke"),
    "content_filter": _Fault(ProviderContentFilterError, "the content filter refused", 400, "content_filter"),
    "context_length": _Fault(
        ProviderContextLengthError, "the prompt does not fit the model", 400, "context_length_exceeded"
    ),
    "rate_limit": _Fault(ProviderRateLimitError, "too many requests", 429, "rate_limit_exceeded"),
    "server": _Fault(ProviderServerError, "the service failed", 500, "server_error"),
    "timeout": _Fault(ProviderTimeoutError, "no answer in time"),
}


def provider_error(error: ScriptedError, engine: str) -> ProviderError:
    """Make the exception that an answer's `error` asks for; a new one each time: it carries a traceback."""
    fault = _FAULTS[error.type]
    message = error.message or f"{fault.message} (as the script says)"
    status = fault.status if error.status is None else error.status
    code = error.code or fault.code
    if fault.kind is ProviderRateLimitError:
        return ProviderRateLimitError(message, retry_after=error.retry_after, status=status, code=code, engine=engine)
    return fault.kind(message, status=status, code=code, engine=engine)
