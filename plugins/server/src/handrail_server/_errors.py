"""Errors as OpenAI's clients understand them, and which error answers which exception.

Neither a client nor the log gets the words of an exception that a request has raised: they may quote a text that was
refused, a judge, or an upstream with its address. The journal of a call has them, for programs.
"""

from __future__ import annotations

import logging
import math
import re
import traceback
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
    ProviderServerError,
    ProviderTimeoutError,
    message_of,
)

logger = logging.getLogger("handrail.server")

_SOUND_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_LONGEST = 500
_LONGEST_MESSAGE = 1000
_LONGEST_PARAM = 300
_MOST_CAUSES = 5
_CODES = frozenset(
    (
        "content_filter",
        "context_length_exceeded",
        "image_parse_error",
        "image_too_large",
        "insufficient_quota",
        "integer_above_max_value",
        "integer_below_min_value",
        "invalid_base64_image",
        "invalid_image",
        "invalid_image_format",
        "invalid_image_url",
        "invalid_request",
        "invalid_request_error",
        "invalid_type",
        "invalid_value",
        "missing_required_parameter",
        "model_not_found",
        "rate_limit_exceeded",
        "string_above_max_length",
        "unknown_parameter",
        "unsupported_parameter",
        "unsupported_value",
    )
)
"""Codes of upstreams that are passed on and logged as they are. Any other could be a text."""


_NO_MODEL_THERE = frozenset((*range(300, 400), 405, 410, 421, 426, 501, 505))
"""Statuses of what is no model's server: a redirect; one that wants another method, host or protocol."""
_WEB_PAGES = frozenset((200, 400, 404))
"""Statuses with which a server has failed only if it has answered with a web page."""


class ApiError(Exception):
    """An error that a client gets to see.

    Attributes:
        status: the HTTP status.
        message: for people: what was asked, what was found, what to do. Holds no secret and no text of a model.
        type, code, param: for programs, as OpenAI has them.
        retry_after: seconds after which to try again.
        final: True if trying again cannot help, which clients are told.
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
        final: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message[:_LONGEST_MESSAGE]  # it may name a field, of which a client decides
        self.type = type
        self.code = code
        self.param = param[:_LONGEST_PARAM] if param is not None else None
        self.retry_after = retry_after
        self.final = final

    def body(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that belong to it."""
        found = {"x-should-retry": "false"} if self.final else {}
        if self.retry_after is not None:
            seconds = math.ceil(self.retry_after) if math.isfinite(self.retry_after) else 1
            found["Retry-After"] = str(max(1, seconds))
        return found


def api_error(error: BaseException) -> ApiError:
    """Return the error that tells a client what happened, and no more than it may know."""
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
        return ApiError(400, message_of(error)[:_LONGEST], code="invalid_request")
    if isinstance(error, ProviderError):
        _log_provider_error(error)
        return _provider_error(error)
    if isinstance(error, ConfigurationError):
        logger.error("the configuration cannot be used: %s", error)
        return config_broken("This configuration")
    log_failure("the request failed", error)
    return internal_error()


def internal_error() -> ApiError:
    """Return the error for a failure of the server itself, which is a bug."""
    text = "The server failed; its log says where, under this request's id."
    return ApiError(500, text, type="server_error", code="internal_error")


def config_broken(which: str) -> ApiError:
    """Return the error for a configuration that cannot be used until somebody fixes it."""
    return ApiError(
        424,
        f"{which} cannot be used; the server's log says why.",
        type="server_error",
        code="config_broken",
        param="config_id",
        final=True,
    )


def no_model(name: str) -> ApiError:
    """Return the error for a model that is unknown, or is not for this client; it does not say which."""
    message = f"Unknown model {name!r}; GET /v1/models lists those that this server has."
    return ApiError(404, message, code="model_not_found", param="model")


def no_configuration(name: str) -> ApiError:
    """Return the error for a configuration that is unknown, or is not for this client."""
    message = f"Unknown configuration {name!r}; GET /v1/models lists those that this server has."
    return ApiError(404, message, code="config_not_found", param="config_id")


def log_failure(what: str, error: BaseException) -> None:
    """Log where an exception was raised, and nothing of what it says."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(lines) < _MOST_CAUSES:
        lines.append(f"{type(cause).__name__}\n{''.join(traceback.format_tb(cause.__traceback__))}".rstrip())
        inner = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = inner or cause.__cause__ or cause.__context__
    logger.error("%s: %s", what, "\nfrom ".join(lines))


def rail_failure(failed: RailFailed) -> str:
    """Return what the log says of a rail that failed: whose it is and what kind of error it raised."""
    found = re.match(rf"[^\n]{{1,100}}?: rail {re.escape(repr(failed.rail))} failed: \w+(?=:)", failed.error)
    where = found[0] if found is not None else f"rail {failed.rail!r} failed"
    return f"{where} ({failed.direction}{', timed out' if failed.timed_out else ''})"


def rail_error(failed: RailFailed) -> ApiError:
    """Return the error for a rail that could not do its work, which is no refusal."""
    return ApiError(
        504 if failed.timed_out else 502,
        f"The rail {failed.rail!r} could not check this {failed.direction}, so nothing more of it is delivered.",
        type="internal_error",
        code="rail_execution_failure",
        param=failed.rail,
        retry_after=1,
    )


def block_error(blocked: Blocked) -> ApiError:
    """Return the error for a block, where the operator has it told as one. Trying again gives the same."""
    return ApiError(
        400,
        f"Blocked by {blocked.rail} rails.",
        type="guardrails_violation",
        code="content_blocked",
        param=blocked.rail,
        final=True,
    )


def retraction_error(rail: str, what: str = "what 'guardrails.retraction' names") -> ApiError:
    """Return the error for text that was delivered and must be withdrawn, which a client must not overlook."""
    return ApiError(
        400,
        f"Blocked by {rail} rails after it was delivered: withdraw {what}.",
        type="guardrails_violation",
        code="content_retracted",
        param=rail,
        final=True,
    )


def blocked_fields(blocked: Blocked) -> dict[str, Any]:
    """Return what a client is told about a block."""
    return {
        "rail": blocked.rail,
        "direction": blocked.direction,
        "reason": blocked.reason,
        "category": blocked.category,
        "channel": blocked.channel,
    }


def _log_provider_error(error: ProviderError) -> None:
    logger.warning(
        "the model could not answer: %s; engine %s, status %s, code %s, request %s",
        type(error).__name__,
        error.engine or "-",
        error.status or "-",
        _code(error) or "-",
        error.request_id if _SOUND_ID.fullmatch(error.request_id or "") else "-",
    )


def _provider_error(error: ProviderError) -> ApiError:
    if isinstance(error, ProviderContentFilterError) or error.code == "content_filter":
        # LiteLLM knows a content filter by these words of OpenAI's alone, whatever the code says.
        text = "The request was rejected as a result of the safety system of the model, which is not one of the rails."
        return ApiError(400, text, code="content_filter")
    if isinstance(error, ProviderContextLengthError):
        text = "The conversation is longer than the model takes; shorten it."
        return ApiError(400, text, code="context_length_exceeded", param="messages")
    if isinstance(error, ProviderBadRequestError):
        return _bad_request(error)
    if isinstance(error, ProviderRateLimitError):
        return _rate_limited(error)
    if isinstance(error, ProviderAuthenticationError):
        text = "The server is not authorized to use this model; see its log."
        return ApiError(424, text, type="server_error", code="model_access_denied", final=True)
    if error.status in _NO_MODEL_THERE or (isinstance(error, ProviderServerError) and error.status in _WEB_PAGES):
        return _misconfigured()
    status, text, code = _passing(error)
    return ApiError(status, text, type="server_error", code=code, **_again(error))


def _again(error: ProviderError) -> dict[str, Any]:
    """Return what is told of another try: what the model's server said, else after a second."""
    if error.final:
        return {"final": True, "retry_after": error.retry_after}
    return {"retry_after": 1 if error.retry_after is None else error.retry_after}


def _passing(error: ProviderError) -> tuple[int, str, str]:
    """Return status, message and code for what may be over in a moment."""
    if isinstance(error, ProviderTimeoutError):
        return 504, "The model did not answer in time.", "model_timeout"
    if isinstance(error, ProviderConnectionError):
        return 502, "The model is unreachable or closed the connection.", "model_unreachable"
    return 502, "The model failed.", "model_failed"


def _bad_request(error: ProviderError) -> ApiError:
    if error.status == 404 or error.code == "model_not_found":
        text = "The model's server does not know the model that the configuration names."
        return ApiError(424, text, type="server_error", code="model_not_found", final=True)
    if error.status in _NO_MODEL_THERE:
        return _misconfigured()
    if error.param is not None:
        text = f"The model of this configuration does not take {error.param!r} as it is here; leave it out."
        return ApiError(400, text, code="unsupported_value", param=error.param)
    text = (
        "The model's server refused this request as wrong; a parameter, or a part of a message, is not for this model."
    )
    return ApiError(400, text, code=_code(error) or "bad_request")


def _misconfigured() -> ApiError:
    text = "What the configuration names does not answer as a model's server; see its 'base_url' and the server's log."
    return ApiError(424, text, type="server_error", code="model_misconfigured", final=True)


def _rate_limited(error: ProviderRateLimitError) -> ApiError:
    spent = error.code == "insufficient_quota"  # until somebody pays
    if spent:
        text = "The model's quota is used up."
        return ApiError(429, text, type="rate_limit_error", code="insufficient_quota", final=True)
    text = "The model is rate limited; retry later."
    return ApiError(429, text, type="rate_limit_error", code="rate_limit_exceeded", **_again(error))


def _code(error: ProviderError) -> str | None:
    return error.code if error.code in _CODES else None
