"""What Anthropic's SDK and the servers of its protocol call errors."""

from __future__ import annotations

from collections.abc import Mapping

import anthropic
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)
from handrail_http import Sdk

KINDS: Mapping[str, type[ProviderError]] = {
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

SDK = Sdk(
    base=anthropic.AnthropicError,
    status=anthropic.APIStatusError,
    timeout=anthropic.APITimeoutError,
    kinds=KINDS,
)
EXPECTED = SDK.expected
