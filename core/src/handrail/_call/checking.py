"""Rails alone, over text that somebody else produced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from handrail._call.call import turn_of, words_of
from handrail._call.inputs import InputGuard, told_of
from handrail._call.log import GenerationLog, build_log
from handrail._call.observing import observing_check
from handrail._call.options import EVERYTHING
from handrail._call.response import shortened
from handrail._call.units import units_of
from handrail._compose.completion import ToolCallAssembler
from handrail._content import message_text
from handrail._events import Blocked, ReasoningDelta
from handrail._specs import DIRECTIONS, Direction
from handrail._stream.batch import guard_message
from handrail._turn import NOWHERE, Journal, Origin, Turn
from handrail._types import Chunk, ToolCall, ToolCallDelta, Usage
from handrail.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from handrail._call.conversation import Conversation
    from handrail._call.options import GenerationOptions
    from handrail._compose.composition import Composition
    from handrail._events import RailFailed
    from handrail._types import Message, Span

RailStatus: TypeAlias = Literal["passed", "modified", "blocked"]


@dataclass(frozen=True, slots=True, repr=False)
class RailsResult:
    """What rails say of a text.

    Attributes:
        status: "passed", "modified" if a rail rewrote it or what is beside it, "blocked" if one refused it or failed.
        content: the text as it may be used; after a block what to tell the user instead.
        rail: the flow that blocked it.
        reason, category, span: why and where, in characters of the text that the rail saw.
        failed: True if the rail did not refuse but could not do its work.
        journal: every check, and every request to a model.
        messages: the conversation as the input rails let it through, its history too; after a block it is empty.
        tool_calls: those of the answer as the output rails let them through; after a block there are none.
        reasoning: the same of its reasoning, which rails judge that guard it.
    """

    status: RailStatus
    content: str
    rail: str | None = None
    reason: str = ""
    category: str | None = None
    span: Span | None = None
    failed: bool = False
    journal: Journal | None = None
    messages: tuple[Message, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""

    def __repr__(self) -> str:
        by = f" by {self.rail!r}" if self.rail is not None else ""
        failed = ", which failed" if self.failed else ""
        return f"<RailsResult {self.status}{by}{failed}: {shortened(self.content)}>"

    @property
    def usage(self) -> Usage:
        """The tokens that the check has cost: those of the models that rails have asked."""
        return self.journal.usage if self.journal is not None else Usage()

    @property
    def log(self) -> GenerationLog:
        """Which rails ran and what they decided, which models were asked, what it took."""
        journal = self.journal or Journal()
        runs = journal.rail_runs
        duration = max(run.finished_at for run in runs) - min(run.started_at for run in runs) if runs else 0.0
        return build_log(journal, EVERYTHING, duration)


async def check_conversation(
    app: Composition,
    talk: Conversation,
    directions: Sequence[Direction] | None,
    options: GenerationOptions,
    origin: Origin = NOWHERE,
) -> RailsResult:
    """Run the rails that the roles call for: the input's over what the model reads, output's over answers.

    Raises:
        InvalidRequestError: there is nothing to check.
    """
    turn = turn_of(app, talk, options, Journal(), origin)
    with observing_check(app.observers, turn):
        return await _check(app, talk, turn, directions, options)


async def _check(
    app: Composition,
    talk: Conversation,
    turn: Turn,
    directions: Sequence[Direction] | None,
    options: GenerationOptions,
) -> RailsResult:
    result: RailsResult | None = None
    asked, turn = _last_answer(talk), await told_of(turn, talk)
    for direction in _wanted(directions, talk.messages, app.config.rails.input.roles):
        if direction == "input":
            talk, result = await _check_input(app, talk, turn, options)
            turn = await told_of(turn, talk)
        else:
            result = await _check_output(app, talk, turn, options, asked)
        if result.status == "blocked":
            break
    if result is None:
        raise InvalidRequestError("there is nothing to check: pass a user message, an assistant message, or both")
    return result


async def _check_input(
    app: Composition, talk: Conversation, turn: Turn, options: GenerationOptions
) -> tuple[Conversation, RailsResult]:
    if not any(message["role"] in app.config.rails.input.roles for message in talk.messages):
        raise InvalidRequestError("no user message for the input rails to check")
    asked = talk
    guard = InputGuard(app, options.choose(app.input_rails, "input"), turn)
    for judge in (guard.history, guard.pending):
        talk, stop = await judge(talk)
        if stop is not None:
            return talk, _stopped(app, stop, turn)
    content = _newest(talk, app.config.rails.input.roles)
    return talk, RailsResult(
        "passed" if talk is asked else "modified", content, messages=talk.messages, journal=turn.journal
    )


async def _check_output(
    app: Composition, talk: Conversation, turn: Turn, options: GenerationOptions, asked: Message | None
) -> RailsResult:
    """Run the output rails over the last answer; it passes as it is only if it still is what was `asked` about."""
    answer = _last_answer(talk)
    if answer is None or asked is None:
        raise InvalidRequestError("no assistant message for the output rails to check")
    plans = options.choose(app.whole_output_rails, "output")
    text, calls = _said(answer), _tool_calls(answer)
    parallel = app.config.rails.output.parallel
    message = Chunk(text, reasoning=_thought(answer), tool_calls=calls)
    items, stop = await guard_message(plans, message, turn, parallel=parallel)
    if stop is not None:
        return _stopped(app, stop, turn)
    passed = "".join([item for item in items if isinstance(item, str)])
    called = _assembled([item for item in items if isinstance(item, ToolCallDelta)])
    thought = "".join([item.text for item in items if isinstance(item, ReasoningDelta)])
    as_it_was = (passed, called, thought) == (_said(asked), _assembled(_tool_calls(asked)), _thought(asked))
    status: RailStatus = "passed" if as_it_was else "modified"
    return RailsResult(
        status, passed, messages=talk.messages, journal=turn.journal, tool_calls=called, reasoning=thought
    )


def _last_answer(talk: Conversation) -> Message | None:
    return next((message for message in reversed(talk.messages) if message["role"] == "assistant"), None)


def _newest(talk: Conversation, roles: Sequence[str]) -> str:
    """Return what the model is to answer: the user's message, or else what tools have returned."""
    pending = [talk.messages[n] for unit in units_of(talk.messages, roles) if unit.is_pending for n in unit.indexes]
    if not pending or any(message["role"] == "user" for message in pending):
        return talk.user_message
    return "\n".join(map(message_text, pending))


def _said(answer: Message) -> str:
    """Return what a reader of an answer reads or hears: its text, and what some protocols keep apart from it."""
    content, audio = answer.get("content"), answer.get("audio")
    parts = content if isinstance(content, list | tuple) else ()
    apart = [answer.get("refusal"), *(part.get("refusal") for part in parts)]
    apart.append(audio.get("transcript") if isinstance(audio, Mapping) else None)
    return "\n".join([text for text in (message_text(answer), *apart) if isinstance(text, str) and text])


def _thought(answer: Message) -> str:
    """Return the reasoning beside an answer, under the names that servers of models have for it."""
    found = (answer.get("reasoning_content"), answer.get("reasoning"))
    return "\n".join(dict.fromkeys(text for text in found if isinstance(text, str) and text))


def _stopped(app: Composition, stop: Blocked | RailFailed, turn: Turn) -> RailsResult:
    told = words_of(app.config).on(stop)
    if turn.journal.telling is not None:
        turn.journal.telling.stopped(told)
    result = RailsResult("blocked", told.message, told.rail, journal=turn.journal)
    if isinstance(told, Blocked):
        return replace(result, reason=told.reason, category=told.category, span=told.span)
    return replace(result, reason=told.error, failed=True)


def _wanted(
    directions: Sequence[Direction] | None, messages: Sequence[Message], input_roles: Collection[str]
) -> tuple[Direction, ...]:
    """Return the directions to check, the input first.

    Raises:
        InvalidRequestError: one of them is none.
    """
    if directions is None:
        return _by_roles(messages, input_roles)
    named = None if isinstance(directions, str) or not isinstance(directions, Iterable) else list(directions)
    if named is None or not all(direction in DIRECTIONS for direction in named):
        raise InvalidRequestError("rail_types must be a list of 'input', 'output' or both")
    return tuple(direction for direction in DIRECTIONS if direction in named)


def _by_roles(messages: Sequence[Message], input_roles: Collection[str]) -> tuple[Direction, ...]:
    roles = {message["role"] for message in messages}
    called_for = {"input": not roles.isdisjoint(input_roles), "output": "assistant" in roles}
    return tuple(direction for direction in DIRECTIONS if called_for[direction])


def _assembled(fragments: Sequence[ToolCallDelta]) -> tuple[ToolCall, ...]:
    """Return whole calls; one without arguments is one with none in its object."""
    assembler = ToolCallAssembler()
    assembler.add(fragments)
    return tuple(
        replace(call, arguments="{}") if not call.arguments and call.kind == "function" else call
        for call in assembler.calls()
    )


def _tool_calls(message: Message) -> tuple[ToolCallDelta, ...]:
    """Return the tool calls of a message in OpenAI's form, the older one's included.

    Raises:
        InvalidRequestError: they have another form, so that no rail could check them.
    """
    try:
        calls = list(message.get("tool_calls") or ())
        if older := message.get("function_call"):
            calls.append({"function": older})
        return tuple(map(_tool_call, range(len(calls)), calls))
    except (AttributeError, KeyError, TypeError) as exc:
        raise InvalidRequestError(
            "a tool call of a message is not a mapping with 'function': {'name': ..., 'arguments': '<JSON text>'} "
            "or 'custom': {'name': ..., 'input': '<text>'}"
        ) from exc


def _tool_call(index: int, call: Mapping[str, Any]) -> ToolCallDelta:
    if call.get("type") == "custom":
        return ToolCallDelta(index, call.get("id"), str(call["custom"]["name"]), "" + call["custom"]["input"], "custom")
    return ToolCallDelta(index, call.get("id"), str(call["function"]["name"]), "" + call["function"]["arguments"])
