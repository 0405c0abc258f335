"""Every exception that existing code catches; the classes are Handrail's own."""

from __future__ import annotations

from handrail import errors


class RailTypeNotConfiguredError(errors.InvalidRailsConfigurationError):
    """A check asks for rails of a direction for which the configuration has none."""


class InvalidStateError(errors.InvalidRequestError):
    """The state of a call is none that an earlier call gave."""


ConfigurationError = errors.ConfigurationError
InvalidModelConfigurationError = errors.ConfigurationError
InvalidRailsConfigurationError = errors.InvalidRailsConfigurationError
StreamingNotSupportedError = errors.StreamingNotSupportedError

LLMCallException = errors.ProviderError
LLMClientError = errors.ProviderError
LLMAuthenticationError = errors.ProviderAuthenticationError
LLMBadRequestError = errors.ProviderBadRequestError
LLMConnectionError = errors.ProviderConnectionError
LLMContextWindowError = errors.ProviderContextLengthError
LLMRateLimitError = errors.ProviderRateLimitError
LLMServerError = errors.ProviderServerError
LLMTimeoutError = errors.ProviderTimeoutError
LLMResponseValidationError = errors.ProviderError
LLMUnsupportedParamsError = errors.ProviderBadRequestError
