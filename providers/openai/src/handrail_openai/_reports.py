"""What a server says of an error, in any of the shapes in which servers say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time

from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderContentFilterError,
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
_CODES: Mapping[str, type[ProviderError]] = {
    "content_filter": ProviderContentFilterError,
    "content_policy_violation": ProviderContentFilterError,
    "context_length_exceeded": ProviderContextLengthError,
    "exceed_context_size_error": ProviderContextLengthError,
    "insufficient_quota": ProviderRateLimitError,
    "rate_limit_exceeded": ProviderRateLimitError,
    "rate_limit_error": ProviderRateLimitError,
    "authentication_error": ProviderAuthenticationError,
    "invalid_api_key": ProviderAuthenticationError,
    "permission_error": ProviderAuthenticationError,
    "invalid_request_error": ProviderBadRequestError,
    "model_not_found": ProviderBadRequestError,
    "timeout": ProviderTimeoutError,
    "vector_store_timeout": ProviderTimeoutError,
    "bio_policy": ProviderContentFilterError,
    "cyber_policy": ProviderContentFilterError,
    "image_content_policy_violation": ProviderContentFilterError,
    "misalignment_policy_violation": ProviderContentFilterError,
    "data_residency_mismatch": ProviderBadRequestError,
    "invalid_prompt": ProviderBadRequestError,
    "image_too_large": ProviderBadRequestError,
    "image_too_small": ProviderBadRequestError,
    "image_parse_error": ProviderBadRequestError,
    "image_file_too_large": ProviderBadRequestError,
    "image_file_not_found": ProviderBadRequestError,
    "empty_image_file": ProviderBadRequestError,
    "failed_to_download_image": ProviderBadRequestError,
    "invalid_base64_image": ProviderBadRequestError,
    "invalid_image": ProviderBadRequestError,
    "invalid_image_format": ProviderBadRequestError,
    "invalid_image_mode": ProviderBadRequestError,
    "invalid_image_url": ProviderBadRequestError,
    "unsupported_image_media_type": ProviderBadRequestError,
}
"""By the error's code, else its type. A request that is at fault in a special way says so in its code."""

_FINAL = frozenset(("insufficient_quota", "billing_hard_limit_reached", "account_deactivated"))
_HOPELESS = frozenset((ProviderAuthenticationError, ProviderContentFilterError, ProviderContextLengthError))
"""Errors of the same request that will fail again."""


def class_of(status: int, code: str | None, kind: str | None, message: str) -> type[ProviderError]:
    """Give the kind of error by the HTTP status and the server's own code, type and message."""
    named = _CODES.get(code or "") or _CODES.get(kind or "")
    if named is not None and named is not ProviderBadRequestError:
        return named
    if status in (401, 403):
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
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            text = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
            code, kind = inner.get("code"), inner.get("type")
            return brief(text), None if code is None else str(code), None if kind is None else str(kind)
        return brief(inner), None, None
    return brief(body or ""), None, None


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Give the server's id of a request, for its support."""
    names = ("x-request-id", "apim-request-id", "request-id")
    return next((headers[name] for name in names if name in headers), None)


def brief(text: object) -> str:
    """Give a text in one line of bearable length."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Give the seconds that the server asks to wait: in milliseconds, seconds, or until a date."""
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


def may_help(status: int, headers: Mapping[str, str], body: object) -> bool:
    """Tell whether sending a request again can help that failed with this answer."""
    message, code, kind = facts_of(body)
    if code in _FINAL or kind in _FINAL or status in (501, 505):  # not implemented, in this version of HTTP
        return False
    if headers.get("x-should-retry") == "false":
        return False
    found = class_of(status, code, kind, message)
    if found is ProviderBadRequestError:
        return status == 409 or status >= 500  # two requests in conflict; a server that fails, whatever it calls it
    return found not in _HOPELESS
