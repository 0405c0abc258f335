"""Errors as OpenAI's clients understand them, and which error answers which exception."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from typing import Any

from handrail import Blocked, ConfigurationError, ProviderError, RailFailed, StreamingNotSupportedError
from handrail.errors import (
    InvalidRequestError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContentFilterError,
    ProviderContextLengthError,
    ProviderRateLimitError,
    ProviderTimeoutError,
)

logger = logging.getLogger("handrail.server")

_ADDRESS = re.compile(r" at https?://\S+(?=: )")


class ApiError(Exception):
    """An error that a client gets to see.

    Attributes:
        status: the HTTP status.
        message: for people: what was asked, what was found, what to do. Holds no secret and no text of a model.
        type, code, param: for programs, as OpenAI has them.
        retry_after: seconds after which to try again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002  # OpenAI's own word
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """Give the JSON object."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that belong to it."""
        return {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}


def api_error(error: BaseException) -> ApiError:
    """Give the error that tells a client what happened, and no more than it may know."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StreamingNotSupportedError):
        return ApiError(
            400,
            'This configuration has output rails, but streaming is not enabled for them. Send "stream": false, or '
            "set rails.output.streaming.enabled to True in the configuration.",
            code="streaming_not_supported",
            param="stream",
        )
    if isinstance(error, InvalidRequestError):
        return ApiError(400, str(error), code="invalid_request")
    if isinstance(error, ProviderError):
        return _provider_error(error)
    logger.error("the request failed: %s: %s", type(error).__name__, error, exc_info=error)
    if isinstance(error, ConfigurationError):
        return ApiError(
            503,
            "The configuration cannot be used; the server's log says why.",
            type="server_error",
            code="config_broken",
        )
    return ApiError(
        500, "The server failed; its log says why, under this request's id.", type="server_error", code="internal_error"
    )


def rail_error(failed: RailFailed) -> ApiError:
    """Give the error for a rail that could not do its work, which is no refusal."""
    return ApiError(
        504 if failed.timed_out else 502,
        f"The rail {failed.rail!r} could not check this {failed.direction}, so nothing more of it is delivered.",
        type="internal_error",
        code="rail_execution_failure",
        param=failed.rail,
    )


def blocked_fields(blocked: Blocked) -> dict[str, Any]:
    """Give what a client is told about a block."""
    return {
        "rail": blocked.rail,
        "direction": blocked.direction,
        "reason": blocked.reason,
        "category": blocked.category,
        "channel": blocked.channel,
    }


def _provider_error(error: ProviderError) -> ApiError:
    logger.warning("the model could not answer: %s: %s", type(error).__name__, error)
    if isinstance(error, ProviderContextLengthError):
        return ApiError(400, _without_address(error), code="context_length_exceeded", param="messages")
    if isinstance(error, ProviderBadRequestError):
        return ApiError(400, _without_address(error), code=error.code or "bad_request")
    if isinstance(error, ProviderContentFilterError):
        return ApiError(400, "The model's own filter refused this request or its answer.", code="content_filter")
    if isinstance(error, ProviderRateLimitError):
        return ApiError(
            429,
            "The model takes no more requests for now; try again later.",
            type="rate_limit_error",
            code="rate_limit_exceeded",
            retry_after=error.retry_after if error.retry_after is not None else 1,
        )
    if isinstance(error, ProviderTimeoutError):
        return ApiError(504, "The model did not answer in time.", type="server_error", code="model_timeout")
    if isinstance(error, ProviderConnectionError):
        return ApiError(
            502, "The model cannot be reached, or it broke off.", type="server_error", code="model_unreachable"
        )
    if isinstance(error, ProviderAuthenticationError):
        return ApiError(
            502, "The server may not use this model; its log says why.", type="server_error", code="model_access_denied"
        )
    return ApiError(502, "The model failed.", type="server_error", code="model_failed")


def _without_address(error: ProviderError) -> str:
    """Give what the model says of a request, without where it is, which is nobody's business outside."""
    return _ADDRESS.sub("", str(error))
