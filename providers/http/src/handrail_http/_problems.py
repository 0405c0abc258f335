"""What can be wrong with a request before it is sent, and with an event of its answer."""

from __future__ import annotations


class BadParameterError(ValueError):
    """A message or a parameter of a call cannot be sent; the text quotes nothing of its content.

    Attributes:
        param: the name of the parameter, if it is one.
    """

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class NotAnEventError(ValueError):
    """The server sent something that is not an event of the protocol; the text says what, and quotes none of it."""


class ErrorEvent(Exception):  # noqa: N818  # it is what the server sent: an event with an error in it
    """The server sent an error in place of more of its answer.

    Attributes:
        error: the error object, or its message.
    """

    def __init__(self, error: object) -> None:
        super().__init__("the server sent an error")
        self.error = error
