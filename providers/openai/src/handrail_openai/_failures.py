"""What OpenAI's SDK and the servers of its protocol call errors."""

from __future__ import annotations

import json
from collections.abc import Mapping

import handrail_http
import openai
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderContentFilterError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    message_of,
)
from handrail_http import Exchange, Sdk, facts_of, is_final

from handrail_openai._service import CredentialsError

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

SDK = Sdk(
    base=openai.OpenAIError,
    status=openai.APIStatusError,
    timeout=openai.APITimeoutError,
    kinds=_CODES,
    page="check 'base_url', which usually ends in /v1",
)
EXPECTED = SDK.expected

_FINAL = frozenset(("insufficient_quota", "billing_hard_limit_reached", "account_deactivated"))
_HOPELESS = frozenset((ProviderAuthenticationError, ProviderContentFilterError, ProviderContextLengthError))
"""Errors of the same request that will fail again."""


class Failures(handrail_http.Failures):
    """Names the failures of one endpoint, also of a service that gives no token."""

    def of(self, exc: BaseException, exchange: Exchange) -> ProviderError:
        """Return the error to raise for one of `EXPECTED`."""
        if isinstance(exc, CredentialsError):
            return self.make(ProviderAuthenticationError, message_of(exc), exchange)
        return super().of(exc, exchange)


def may_help(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether sending a request again can help that failed with this answer."""
    message, code, kind = facts_of(_parsed(body))
    if code in _FINAL or kind in _FINAL or status in (501, 505):  # not implemented, in this version of HTTP
        return False
    if is_final(headers):
        return False
    found = SDK.class_of(status, code, kind, message)
    if found is ProviderBadRequestError:
        return status == 409 or status >= 500  # two requests in conflict; a server that fails, whatever it calls it
    return found not in _HOPELESS


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
