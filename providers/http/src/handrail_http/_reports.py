"""What a server says of an error, in any of the shapes in which servers say it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from math import isfinite
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
_SPENT = re.compile(r"credit balance is too low|insufficient (?:credits|balance)", re.IGNORECASE)
"""What services say with status 400, too, of an account without money."""
_LONGEST_MESSAGE = 500

DENIED = (401, 402, 403)
"""Statuses that say that the account may not ask: who it is, what it has paid for, or what it may do."""


def class_of(
    named: type[ProviderError] | None, status: int, message: str, *, denied: Collection[int] = DENIED
) -> type[ProviderError]:
    """Return the kind of an error.

    Args:
        named: the kind that its code or its type stands for.
        status: of HTTP.
        message: the server's.
        denied: statuses that say that the key does not allow the request.
    """
    if named is not None and named is not ProviderBadRequestError:
        return named
    if status in denied or _SPENT.search(message):
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
    if isinstance(body, list) and len(body) == 1:  # Gemini's
        body = body[0]
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping):
            text = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
            code, kind = inner.get("code"), inner.get("type")
            return brief(text), None if code is None else brief(code), None if kind is None else brief(kind)
        return brief(inner), None, None
    return brief(body or ""), None, None


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the server's id of a request, for its support."""
    names = ("x-request-id", "apim-request-id", "request-id")
    return next((headers[name] for name in names if name in headers), None)


def brief(text: object) -> str:
    """Return a text in one line of bearable length."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."


def is_final(headers: Mapping[str, str]) -> bool:
    """Return whether the server says that sending the request again does not help."""
    return headers.get("x-should-retry", "").strip().lower() == "false"


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait: in milliseconds, seconds, or until a date."""
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = headers.get(name, "")
        with suppress(ValueError):
            if isfinite(seconds := float(value) / divisor):
                return max(seconds, 0)
    try:
        return max(parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time(), 0)
    except (ValueError, TypeError, OverflowError):
        return None
