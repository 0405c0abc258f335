"""Every exception that Handrail raises.

HandrailError
├── ConfigurationError (ValueError)          a configuration cannot be used
│   └── InvalidRailsConfigurationError       ... because of its rails
│       └── StreamingNotSupportedError       output rails are configured, streaming is not enabled for them
├── ContentError (ValueError)                a text that has to be JSON is not
├── InvalidArgumentError (TypeError)         an argument has a type that cannot be used
├── InvalidRequestError (ValueError)         the arguments of a call do not fit together
├── PluginError                              a plugin is at fault; names it and its version
│   ├── PluginLoadError                      it cannot be imported or registered
│   ├── PluginConflictError                  two plugins offer one name
│   └── PluginContractError                  it returned what its interface does not allow
├── RailError                                a rail failed (a refusal is a verdict and no error)
│   ├── RailBusyError                        too many checks were waiting for it
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

from collections.abc import Mapping, Sequence
from typing import Literal, Self, TypeAlias

from handrail._foreign import message_of as message_of

ProblemCode: TypeAlias = Literal[
    "conflict",
    "invalid",
    "invalid-value",
    "invalid-yaml",
    "missing-file",
    "missing-key",
    "missing-package",
    "missing-prompt",
    "missing-variable",
    "unknown-key",
    "unknown-name",
    "unused",
]
"""What kind of problem a configuration has. More kinds may be added; `invalid` is any that has none of its own."""


class HandrailError(Exception):
    """Base of every exception here."""


class Problem(str):
    """One thing that is wrong with a configuration: a line for people, whose parts programs can read.

    Words of the line may change; codes and places do not.

    Attributes:
        code: what kind of problem it is.
        place: file, line and column, where they are known; both numbers count from 1.
        message: the line without its place.
        subject: the name that is missing or unknown, if it is about one.
        fix: what puts it right, if that is known: a command, the name that was probably meant, what to write.
    """

    __slots__ = ("code", "fix", "message", "place", "subject")

    code: ProblemCode
    place: tuple[str, int, int] | None
    message: str
    subject: str
    fix: str

    def __new__(
        cls,
        message: str,
        *,
        code: ProblemCode = "invalid",
        place: tuple[str, int, int] | None = None,
        subject: str = "",
        fix: str = "",
    ) -> Self:
        """Make the line of its parts."""
        line = super().__new__(cls, f"{place[0]}:{place[1]}:{place[2]}: {message}" if place else message)
        line.code, line.place, line.message = code, place, message
        line.subject, line.fix = subject, fix
        return line

    def at(self, place: tuple[str, int, int]) -> Problem:
        """Return the same problem with a place; one that has a place keeps it."""
        if self.place is not None:
            return self
        return Problem(self.message, code=self.code, place=place, subject=self.subject, fix=self.fix)


class ConfigurationError(HandrailError, ValueError):
    """A configuration cannot be used.

    Args:
        message: what is wrong.
        problems: the same, where it is more than one thing.
        code, subject, fix: those of the one problem, where it is one.

    Attributes:
        problems: each problem found, a line each, with its place in the files where it is known.
    """

    problems: tuple[Problem, ...]

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[str] = (),
        code: ProblemCode = "invalid",
        subject: str = "",
        fix: str = "",
    ) -> None:
        super().__init__(message)
        found = problems or (Problem(message, code=code, subject=subject, fix=fix),)
        self.problems = tuple(line if isinstance(line, Problem) else Problem(line) for line in found)


class InvalidRailsConfigurationError(ConfigurationError):
    """The rails of a configuration cannot be used."""


class StreamingNotSupportedError(InvalidRailsConfigurationError):
    """Output rails are configured, but `rails.output.streaming.enabled` is not true."""


class InvalidArgumentError(HandrailError, TypeError):
    """An argument has a type that cannot be used; the message says what to pass."""

    @classmethod
    def unless(cls, fits: object, argument: str, value: object, takes: str) -> None:
        """Raise if an argument does not fit, with what it takes, such as "a path", and the type of the value."""
        if not fits:
            found = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
            raise cls(f"{argument} takes {takes}, not {found}")


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
        self.problems = (Problem(message, code="conflict"),)


class PluginContractError(PluginError):
    """A plugin returned what its interface does not allow."""


class RailError(HandrailError):
    """A rail failed, which is not a refusal: it raised, returned nonsense or is missing.

    Attributes:
        rail: the flow's name.
        plugin: the rail's distribution and version.
        detail: what may help to find out why, such as how a judge's answer begins. It may have text that nobody is to
            see, so it is for the journal only (`CheckRecord.detail`).
    """

    def __init__(
        self, message: str, *, rail: str, plugin: str | None = None, detail: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.rail, self.plugin, self.detail = rail, plugin, detail


class RailBusyError(RailError):
    """Too many checks were waiting for a rail that judges in batches."""


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
        final: True if the provider said that trying again does not help.
        param: the parameter of the call that the model does not take, where one is at fault.
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
        final: bool = False,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.request_id = status, code, request_id
        self.engine, self.retry_after, self.final, self.param = engine, retry_after, final, param


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
        where = "(rails.output.streaming.max_answer_characters)"
        super().__init__(f"{provider}: the answer exceeds the limit of {limit} characters {where}")
        self.limit = limit
