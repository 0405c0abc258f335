"""What is raised to a host that cannot be handed an answer.

HandrailError
├── AnswerRefusedError     a rail refused, and the host takes refusals as errors
└── GuardFailedError       nothing more may be delivered, because a rail failed or an answer cannot be judged
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import HandrailError
from handrail.errors import InvalidRequestError

if TYPE_CHECKING:
    from handrail import Blocked, RailFailed


def is_fault_of_client(error: Exception) -> bool:
    """Return whether a request could not be judged because of what the client sent, and not because a rail failed."""
    if isinstance(error, GuardFailedError):
        return error.failed is None
    return not isinstance(error, HandrailError) or isinstance(error, AnswerRefusedError | InvalidRequestError)


class AnswerRefusedError(HandrailError):
    """A rail refused the request or the answer.

    Its message is what to show to a user; what the rail found is in the record only.

    Attributes:
        blocked: which rail refused, in which direction, and why.
    """

    def __init__(self, blocked: Blocked) -> None:
        super().__init__(blocked.message)
        self.blocked = blocked


class GuardFailedError(HandrailError):
    """A rail failed, or a request or an answer has a form that rails cannot judge.

    Attributes:
        failed: the rail's failure; None where the form is at fault.
    """

    def __init__(self, message: str, failed: RailFailed | None = None) -> None:
        super().__init__(message)
        self.failed = failed

    @classmethod
    def of(cls, failed: RailFailed) -> GuardFailedError:
        """Return the error for a rail's failure, without what the rail was working on."""
        return cls(f"the rail {failed.rail!r} failed, so the answer was withheld", failed)
