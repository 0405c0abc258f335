"""What input rails judge of a conversation, piece by piece, and the conversation without a piece of its history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from handrail._types import Message

REMOVED = "[This message was removed by a guardrail.]"
REMOVED_ANSWER = "[This answer was removed with the message that it belongs to.]"


@dataclass(frozen=True, slots=True)
class Unit:
    """Messages that are judged as one text: one message, or what a user has written until somebody answered.

    Attributes:
        indexes: which messages they are.
        is_pending: True if nobody has answered yet.
        is_current: True if they belong to the turn that is asked now, though tools may have answered since.
    """

    indexes: tuple[int, ...]
    is_pending: bool
    is_current: bool


def units_of(messages: Sequence[Message], roles: Collection[str]) -> list[Unit]:
    """Return what is judged of the messages of some roles, in order."""
    pending, end = pending_between(messages)
    written = [index for index in range(end) if messages[index]["role"] == "user"]
    asked = written[-1] if written else 0
    current = next((index for index in range(asked, 0, -1) if messages[index - 1]["role"] == "assistant"), 0)
    found: list[list[int]] = []
    unanswered: list[int] | None = None  # what the user has written so far
    for index, message in enumerate(messages):
        role = message["role"]
        if role == "assistant":
            unanswered = None
        elif role == "user" and unanswered is not None:
            unanswered.append(index)
        elif role in roles:
            found.append([index])
            unanswered = found[-1] if role == "user" else unanswered
    return [Unit(tuple(one), is_pending=one[0] >= pending, is_current=one[0] >= current) for one in found]


def pending_between(messages: Sequence[Message]) -> tuple[int, int]:
    """Return where the messages begin and end that nobody has answered.

    Messages of the assistant at the very end do not count as an answer: they are to be checked themselves, or the
    beginning of one.
    """
    end = len(messages)
    while end and messages[end - 1]["role"] == "assistant":
        end -= 1
    start = end
    while start and messages[start - 1]["role"] != "assistant":
        start -= 1
    return start, end


def removed(message: Message) -> Message:
    """Return what takes the place of a message that was refused: nothing of it but what the protocol needs."""
    return {**{name: message[name] for name in ("role", "tool_call_id") if name in message}, "content": REMOVED}


def without(messages: Sequence[Message], units: Iterable[Unit]) -> tuple[Message, ...]:
    """Return a conversation without some units of its history, and without what was answered to them.

    Each message of a unit gives way to a placeholder. So does all that followed, calls of tools and their results too,
    up to the next message of the user; results of the tools that were called with a refused one stay beside it.
    """
    refused: set[int] = set()
    gone: set[int] = set()
    for unit in units:
        refused.update(unit.indexes)
        gone.update(_answers(messages, unit.indexes[-1]))
    left: list[Message] = []
    for index, message in enumerate(messages):
        if index in gone:
            if index - 1 not in gone:
                left.append({"role": "assistant", "content": REMOVED_ANSWER})
        else:
            left.append(removed(message) if index in refused else message)
    return tuple(left)


def _answers(messages: Sequence[Message], last: int) -> Iterable[int]:
    """Yield which messages answer one: of the assistant, and of the tools that it has called since."""
    is_answered = False
    for index in range(last + 1, len(messages)):
        role = messages[index]["role"]
        if role == "user":
            return
        is_answered = is_answered or role == "assistant"
        if is_answered and role in ("assistant", "tool"):
            yield index
