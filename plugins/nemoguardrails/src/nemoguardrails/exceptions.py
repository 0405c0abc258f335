"""Every exception that existing code catches; the classes are Handrail's own."""

from __future__ import annotations

from handrail.errors import ConfigurationError as ConfigurationError
from handrail.errors import InvalidRailsConfigurationError as InvalidRailsConfigurationError
from handrail.errors import ProviderAuthenticationError as LLMAuthenticationError
from handrail.errors import ProviderBadRequestError as LLMBadRequestError
from handrail.errors import ProviderConnectionError as LLMConnectionError
from handrail.errors import ProviderContextLengthError as LLMContextWindowError
from handrail.errors import ProviderError as LLMCallException
from handrail.errors import ProviderRateLimitError as LLMRateLimitError
from handrail.errors import ProviderServerError as LLMServerError
from handrail.errors import ProviderTimeoutError as LLMTimeoutError
from handrail.errors import StreamingNotSupportedError as StreamingNotSupportedError

InvalidModelConfigurationError = ConfigurationError

__all__ = [
    "ConfigurationError",
    "InvalidModelConfigurationError",
    "InvalidRailsConfigurationError",
    "LLMAuthenticationError",
    "LLMBadRequestError",
    "LLMCallException",
    "LLMConnectionError",
    "LLMContextWindowError",
    "LLMRateLimitError",
    "LLMServerError",
    "LLMTimeoutError",
    "StreamingNotSupportedError",
]
