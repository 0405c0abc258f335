"""Rails alone, over text that somebody else produced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail._call import turn_of, words_of
from handrail._content import message_text
from handrail._events import Blocked
from handrail._log import GenerationLog, build_log
from handrail._options import EVERYTHING
from handrail._specs import Direction
from handrail._turn import Journal, Turn
from handrail._types import ToolCallDelta
from handrail._whole_texts import guard_text
from handrail.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail._compose import Composition
    from handrail._events import RailFailed
    from handrail._messages import Conversation
    from handrail._options import GenerationOptions
    from handrail._types import Message, Span

RailStatus: TypeAlias = Literal["passed", "modified", "blocked"]

_DIRECTIONS: tuple[Direction, Direction] = ("input", "output")


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

    @property
    def log(self) -> GenerationLog:
        """Which rails ran and what they decided, which models were asked, what it took."""
        journal = self.journal or Journal()
        runs = journal.rail_runs
        duration = max(run.finished_at for run in runs) - min(run.started_at for run in runs) if runs else 0.0
        return build_log(journal, EVERYTHING, duration)


async def check_conversation(
    app: Composition, talk: Conversation, directions: Sequence[Direction] | None, options: GenerationOptions
) -> RailsResult:
    """Run the rails that a conversation's roles call for: a user's message the input's, an answer the output's.

    Raises:
        InvalidRequestError: there is nothing to check.
    """
    journal = Journal()
    result: RailsResult | None = None
    for direction in _wanted(directions, talk.messages):
        turn = turn_of(app, talk, options, journal)
        if direction == "input":
            result = await _check_input(app, talk, turn, options)
        else:
            result = await _check_output(app, talk, turn, options)
        if result.status == "blocked":
            break
        if direction == "input" and result.status == "modified":
            talk = talk.with_user_message(result.content)
    if result is None:
        raise InvalidRequestError("there is nothing to check: pass a message of the user, of the assistant, or both")
    return result


async def _check_input(app: Composition, talk: Conversation, turn: Turn, options: GenerationOptions) -> RailsResult:
    if _last(talk.messages, "user") is None:
        raise InvalidRequestError("there is no message of the user for the input rails to check")
    plans = options.choose(app.input_rails, "input")
    text = talk.user_message
    return _result(app, text, turn, await guard_text(plans, text, turn, parallel=app.config.rails.input.parallel))


async def _check_output(app: Composition, talk: Conversation, turn: Turn, options: GenerationOptions) -> RailsResult:
    answer = _last(talk.messages, "assistant")
    if answer is None:
        raise InvalidRequestError("there is no message of the assistant for the output rails to check")
    plans = options.choose(app.whole_output_rails, "output")
    text = message_text(answer)
    parallel = app.config.rails.output.parallel
    checked = await guard_text(plans, text, turn, parallel=parallel, tool_calls=_tool_calls(answer))
    return _result(app, text, turn, checked)


def _result(app: Composition, text: str, turn: Turn, checked: tuple[str, Blocked | RailFailed | None]) -> RailsResult:
    passed, stop = checked
    if stop is None:
        return RailsResult("passed" if passed == text else "modified", passed, journal=turn.journal)
    return replace(_blocked(words_of(app.config).on(stop)), journal=turn.journal)


def _blocked(stop: Blocked | RailFailed) -> RailsResult:
    if isinstance(stop, Blocked):
        return RailsResult("blocked", stop.message, stop.rail, stop.reason, stop.category, stop.span)
    return RailsResult("blocked", stop.message, stop.rail, stop.error, failed=True)


def _wanted(directions: Sequence[Direction] | None, messages: Sequence[Message]) -> tuple[Direction, ...]:
    """Give the directions to check, the input first.

    Raises:
        InvalidRequestError: one of them is none.
    """
    if directions is None:
        return _by_roles(messages)
    if isinstance(directions, str) or not all(direction in _DIRECTIONS for direction in directions):
        raise InvalidRequestError(f"rail_types is {directions!r}; it must be a list of 'input', 'output' or both")
    return tuple(direction for direction in _DIRECTIONS if direction in directions)


def _by_roles(messages: Sequence[Message]) -> tuple[Direction, ...]:
    roles = {message["role"] for message in messages}
    chosen: list[Direction] = []
    if "user" in roles:
        chosen.append("input")
    if "assistant" in roles:
        chosen.append("output")
    return tuple(chosen)


def _last(messages: Sequence[Message], role: str) -> Message | None:
    return next((message for message in reversed(messages) if message["role"] == role), None)


def _tool_calls(message: Message) -> tuple[ToolCallDelta, ...]:
    """Give the tool calls of a message in OpenAI's form.

    Raises:
        InvalidRequestError: they have another form, so that no rail could check them.
    """
    try:
        return tuple(
            ToolCallDelta(index, call.get("id"), str(call["function"]["name"]), "" + call["function"]["arguments"])
            for index, call in enumerate(message.get("tool_calls") or ())
        )
    except (AttributeError, KeyError, TypeError) as exc:
        raise InvalidRequestError(
            f"a message has the tool calls {message.get('tool_calls')!r}; each must be a mapping with "
            f"'function': {{'name': ..., 'arguments': '<JSON text>'}}"
        ) from exc
