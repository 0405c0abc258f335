"""What a server says of an error, in any of the shapes in which servers say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time

from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)

_CONTEXT_LENGTH = re.compile(
    r"context[ _](?:length|size|window)|maximum (?:context|prompt|input)|prompt is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)
_LONGEST_MESSAGE = 500
_KINDS: Mapping[str, type[ProviderError]] = {
    "authentication_error": ProviderAuthenticationError,
    "permission_error": ProviderAuthenticationError,
    "billing_error": ProviderAuthenticationError,
    "rate_limit_error": ProviderRateLimitError,
    "timeout_error": ProviderTimeoutError,
    "request_too_large": ProviderContextLengthError,
    "invalid_request_error": ProviderBadRequestError,
    "not_found_error": ProviderBadRequestError,
    "overloaded_error": ProviderServerError,
    "api_error": ProviderServerError,
}
"""By the type of the error, as Anthropic documents it. A server that is busy (529) is a server that failed."""


def class_of(status: int, kind: str | None, message: str) -> type[ProviderError]:
    """Return the kind of error by the HTTP status and the server's own type and message."""
    named = _KINDS.get(kind or "")
    if named is not None and named is not ProviderBadRequestError:
        return named
    if status in (401, 402, 403):
        return ProviderAuthenticationError
    if status == 429:  # Too Many Requests
        return ProviderRateLimitError
    if status in (408, 504):
        return ProviderTimeoutError
    if named is not None or 400 <= status < 500:  # the client's errors
        return ProviderContextLengthError if _CONTEXT_LENGTH.search(message) else ProviderBadRequestError
    return ProviderServerError


def facts_of(body: object) -> tuple[str, str | None, str | None]:
    """Return message, code and type of an error in any of the shapes that servers send."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            text = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
            code, kind = inner.get("code"), inner.get("type")
            return brief(text), None if code is None else str(code), None if kind is None else str(kind)
        return brief(inner), None, None
    return brief(body or ""), None, None


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the server's id of a request, for its support."""
    names = ("request-id", "x-request-id")
    return next((headers[name] for name in names if name in headers), None)


def brief(text: object) -> str:
    """Return a text in one line of bearable length."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait: in milliseconds, seconds, or until a date."""
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = headers.get(name, "")
        try:
            return max(float(value) / divisor, 0)
        except ValueError:
            continue
    try:
        return max(parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time(), 0)
    except (ValueError, TypeError):
        return None
