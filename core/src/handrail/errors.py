"""Every exception that Handrail raises.

HandrailError
├── ConfigurationError (ValueError)          a configuration cannot be used
│   └── InvalidRailsConfigurationError       ... because of its rails
│       └── StreamingNotSupportedError       output rails are configured, streaming is not enabled for them
├── ContentError (ValueError)                a text that has to be JSON is not
├── InvalidRequestError (ValueError)         the arguments of a call do not fit together
├── PluginError                              a plugin is at fault; names it and its version
│   ├── PluginLoadError                      it cannot be imported or registered
│   ├── PluginConflictError                  two plugins offer one name
│   └── PluginContractError                  it returned what its interface does not allow
├── RailError                                a rail failed (a refusal is a verdict and no error)
│   └── RailTimeoutError                     it did not answer in time
├── RailsClosedError (RuntimeError)          the LLMRails is closed, or was while the call ran
├── TimedOut (TimeoutError)                  a call did not end within its `timeout`
├── StreamClosedError                        a stream was used after its end, or in a way its owner forbids
└── ProviderError                            the model could not answer
    ├── ProviderAuthenticationError          no key, a wrong key, no permission
    ├── ProviderRateLimitError               too many requests
    ├── ProviderBadRequestError              the request is at fault
    │   └── ProviderContextLengthError       the prompt does not fit the model
    ├── ProviderTimeoutError                 no answer in time
    ├── ProviderConnectionError              no connection, or one that broke in mid-stream
    ├── ProviderServerError                  the service failed
    ├── AnswerTooLongError                   the answer exceeds `max_answer_characters`
    ├── ModelUnavailableError                it has failed too often, and is not asked for a while
    └── ProviderContentFilterError           the service's own filter refused
"""

from __future__ import annotations


class HandrailError(Exception):
    """Base of every exception here."""


class ConfigurationError(HandrailError, ValueError):
    """A configuration cannot be used.

    Attributes:
        problems: each problem found, a line each, with its place in the files where it is known.
    """

    def __init__(self, message: str, *, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems or (message,)


class InvalidRailsConfigurationError(ConfigurationError):
    """The rails of a configuration cannot be used."""


class StreamingNotSupportedError(InvalidRailsConfigurationError):
    """Output rails are configured, but `rails.output.streaming.enabled` is not true."""


class InvalidRequestError(HandrailError, ValueError):
    """The arguments of a call are wrong or do not fit together."""


class ContentError(HandrailError, ValueError):
    """A text that has to be JSON is not. The message tells where it stops, and never has any of the text."""


class PluginError(HandrailError):
    """A plugin is at fault.

    Attributes:
        plugin: its name and version as an error shows them, such as "handrail-toxicity 1.2.0".
    """

    def __init__(self, message: str, *, plugin: str | None = None) -> None:
        super().__init__(message)
        self.plugin = plugin


class PluginLoadError(PluginError):
    """A plugin cannot be imported or registered."""


class PluginConflictError(PluginError, ConfigurationError):
    """Two plugins offer the same name."""

    def __init__(self, message: str, *, plugin: str | None = None) -> None:
        PluginError.__init__(self, message, plugin=plugin)
        self.problems = (message,)


class PluginContractError(PluginError):
    """A plugin returned what its interface does not allow."""


class RailError(HandrailError):
    """A rail failed, which is not a refusal: it raised, returned nonsense or is missing.

    Attributes:
        rail: the flow's name.
        plugin: the rail's distribution and version.
    """

    def __init__(self, message: str, *, rail: str, plugin: str | None = None) -> None:
        super().__init__(message)
        self.rail = rail
        self.plugin = plugin


class RailTimeoutError(RailError):
    """A rail did not answer in time."""


class RailsClosedError(HandrailError, RuntimeError):
    """The `LLMRails` is closed, or was while the call ran; what was delivered stays."""


class TimedOut(HandrailError, TimeoutError):  # noqa: N818  # the end of a call, as `Blocked` is one
    """A call did not end within its `timeout`; what was delivered stays."""


class StreamClosedError(HandrailError, RuntimeError):
    """A stream was used after its end, or in a way that its owner forbids."""


class ProviderError(HandrailError):
    """The model could not answer.

    Attributes:
        status: the HTTP status, where there was one.
        code: the provider's own error code.
        request_id: the provider's id of the request, for its support.
        engine: the engine's name in the configuration.
        retry_after: seconds after which to try again, where the provider said so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        engine: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.engine = engine
        self.retry_after = retry_after


class ProviderAuthenticationError(ProviderError):
    """No key, a wrong key, or no permission."""


class ProviderRateLimitError(ProviderError):
    """Too many requests."""


class ProviderBadRequestError(ProviderError):
    """The request is at fault; trying again will not help."""


class ProviderContextLengthError(ProviderBadRequestError):
    """The prompt does not fit the model."""


class ProviderTimeoutError(ProviderError):
    """The provider did not answer in time."""


class ProviderConnectionError(ProviderError):
    """The provider could not be reached, or its connection broke in mid-stream."""


class ProviderServerError(ProviderError):
    """The provider's service failed."""


class ModelUnavailableError(ProviderError):
    """A model has failed so often that it is not asked for a while (`breaker` of its entry in `models`)."""


class ProviderContentFilterError(ProviderError):
    """The provider's own filter refused the request or the answer."""


class AnswerTooLongError(ProviderError):
    """The answer exceeds the limit that the configuration sets, `rails.output.streaming.max_answer_characters`.

    Attributes:
        limit: that limit, in characters of text, reasoning and tool calls together.
    """

    def __init__(self, provider: str, limit: int) -> None:
        super().__init__(
            f"{provider}: the answer exceeds the limit of {limit} characters "
            f"(rails.output.streaming.max_answer_characters)"
        )
        self.limit = limit
