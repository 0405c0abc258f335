"""Rails alone, over text that somebody else produced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail._call import guard_text, with_message
from handrail._events import Blocked
from handrail._model import message_text
from handrail._specs import Direction
from handrail._turn import Journal, Turn
from handrail.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail._compose import Composition
    from handrail._events import RailFailed
    from handrail._messages import Conversation
    from handrail._options import GenerationOptions
    from handrail._types import Message, Span

RailStatus: TypeAlias = Literal["passed", "modified", "blocked"]


@dataclass(frozen=True, slots=True)
class RailsResult:
    """What rails say of a text.

    Attributes:
        status: "passed", "modified" if a rail rewrote it, "blocked" if one refused it or failed.
        content: the text as it may be used; after a block what to tell the user instead.
        rail: the flow that blocked it.
        reason, category, span: why and where, in characters of the text that the rail saw.
        failed: True if the rail did not refuse but could not do its work.
        journal: every check, and every request to a model.
    """

    status: RailStatus
    content: str
    rail: str | None = None
    reason: str = ""
    category: str | None = None
    span: Span | None = None
    failed: bool = False
    journal: Journal | None = None


async def check_conversation(
    app: Composition, talk: Conversation, directions: Sequence[Direction] | None, options: GenerationOptions
) -> RailsResult:
    """Run the rails that a conversation's roles call for: a user's message the input's, an answer the output's.

    Raises:
        InvalidRequestError: there is nothing to check.
    """
    wanted = tuple(directions) if directions is not None else _by_roles(talk.messages)
    journal = Journal()
    result: RailsResult | None = None
    answer = _last(talk.messages, "assistant")
    for direction in wanted:
        text = talk.user_message if direction == "input" else answer
        if text is None:
            raise InvalidRequestError(f"there is no message for the {direction} rails to check")
        turn = Turn(talk.messages, talk.user_message, talk.variables, journal=journal)
        result = await _check(app, direction, text, turn, options)
        if result.status == "blocked":
            break
        if direction == "input" and result.status == "modified":
            talk = talk.with_user_message(result.content)
    if result is None:
        raise InvalidRequestError("there is nothing to check: pass a message of the user, of the assistant, or both")
    return result


async def _check(
    app: Composition, direction: Direction, text: str, turn: Turn, options: GenerationOptions
) -> RailsResult:
    section = app.config.rails.input if direction == "input" else app.config.rails.output
    plans = options.choose(app.input_rails if direction == "input" else app.output_rails, direction)
    checked, stop = await guard_text(plans, text, turn, parallel=section.parallel)
    if stop is None:
        return RailsResult("passed" if checked == text else "modified", checked, journal=turn.journal)
    return replace(_blocked(with_message(stop, config=app.config)), journal=turn.journal)


def _blocked(stop: Blocked | RailFailed) -> RailsResult:
    if isinstance(stop, Blocked):
        return RailsResult("blocked", stop.message, stop.rail, stop.reason, stop.category, stop.span)
    return RailsResult("blocked", stop.message, stop.rail, stop.error, failed=True)


def _by_roles(messages: Sequence[Message]) -> tuple[Direction, ...]:
    roles = {message["role"] for message in messages}
    chosen: list[Direction] = []
    if "user" in roles:
        chosen.append("input")
    if "assistant" in roles:
        chosen.append("output")
    return tuple(chosen)


def _last(messages: Sequence[Message], role: str) -> str | None:
    return next((message_text(message) for message in reversed(messages) if message["role"] == role), None)
