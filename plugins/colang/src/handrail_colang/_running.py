"""Runs a flow, statement by statement, to the refusal that it ends with or to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from handrail.errors import RailError

from handrail_colang._calls import call_variables
from handrail_colang._expressions import ExpressionError
from handrail_colang._outcomes import ActionResult, RailOutcome, TransformTarget
from handrail_colang._syntax import (
    Assign,
    Block,
    Bot,
    CreateEvent,
    Do,
    Execute,
    Expression,
    If,
    Return,
    Says,
    Statement,
    Stop,
    Unsupported,
)
from handrail_colang._texts import filled
from handrail_colang._verdicts import Refusal, plain, refusal_of

if TYPE_CHECKING:
    from handrail import RailContext, Turn

    from handrail_colang._actions import Actions
    from handrail_colang._program import Program
    from handrail_colang._syntax import Dialog, Flow
    from handrail_colang._verdicts import Mapping as OutputMapping


_WITHOUT_EFFECT = ("mask_prev_user_message",)  # events that change only what a dialog would remember


class _ReturnedError(Exception):
    """A flow has come to `return`."""


@dataclass(frozen=True, slots=True)
class Invented:
    """What the bot says where the configuration has no words for it: the model finds them."""

    phrase: str


class Run:
    """One run of a flow over one text.

    Its variables begin as those of the call; `changed` are those that it has set.

    Args:
        program: the flows and messages that may be named.
        actions: what it may execute.
        context: the rail's.
        turn: what is judged.
        judged: the variable that is judged, with its text.
        verdicts: whether a result that says no is a refusal also where it is assigned and nobody looks at it, since
            nothing else in the flow could refuse.
    """

    def __init__(
        self,
        program: Program,
        actions: Actions,
        context: RailContext,
        turn: Turn,
        judged: Mapping[str, str],
        *,
        verdicts: bool = False,
    ) -> None:
        call = call_variables.get()
        said = {} if call is None else {**dict.fromkeys(program.set_by_dialogs), **turn.variables, **call.said}
        self.variables: dict[str, Any] = {
            **turn.variables,
            **said,
            **context.arguments,
            "config": context.config,
            "user_message": turn.user_message,
            "last_user_message": turn.user_message,
            "last_bot_message": _last_answer(turn),
            **judged,
        }
        self._program = program
        self._actions = actions
        self._context = context
        self._turn = turn
        self._said: Refusal | None = None
        self._found = ""  # why an action would block
        self._verdicts = verdicts
        self.answer: list[str | Invented] = []  # what the bot has said, for a dialog
        self.changed: set[str] = set()
        self.result: Any = None  # of the action that was executed last
        self.mapping: OutputMapping | None = None  # how its author reads it

    async def flow(self, flow: Flow | Dialog) -> Refusal | None:
        """Run a flow; return the refusal that it ends with, None if it lets the text pass.

        Raises:
            RailError: it could not be run.
        """
        try:
            return await self._called(flow.body)
        except ExpressionError as exc:
            raise RailError(str(exc), rail=self._context.name) from exc

    async def _called(self, block: Block) -> Refusal | None:
        try:
            return await self._block(block)
        except _ReturnedError:
            return None

    async def _block(self, block: Block) -> Refusal | None:
        for statement in block:
            refusal = await self._statement(statement)
            if refusal is not None:
                return refusal
        return None

    async def _statement(self, statement: Statement) -> Refusal | None:
        match statement:
            case If():
                chosen = statement.then if _truth(statement.condition, self.variables) else statement.otherwise
                return await self._block(chosen)
            case Assign():
                self._set(statement.name, statement.value(self.variables))
            case Execute():
                return await self._execute(statement)
            case Do():
                called = self._program.flows.get(statement.flow)  # None for one that has no effect
                return await self._called(called.body) if called is not None else None
            case Return():
                raise _ReturnedError
            case Bot():
                text = self._text(statement)
                self._said = self._saying(text)
                self.answer.append(text or Invented(statement.phrase or ""))
            case CreateEvent():
                message = _value(statement.keywords.get("message"), self.variables) or statement.name
                self._said = Refusal(str(message), statement.name)
            case Stop():
                return self._refusal()
            case Says() | Unsupported():  # pragma: no cover  # refused when the configuration is loaded
                raise RailError(f"{statement.place}: it cannot be run", rail=self._context.name)
        return None

    async def _execute(self, statement: Execute) -> Refusal | None:
        result = await self._actions.execute(statement, self._turn, self.variables)
        if isinstance(result, ActionResult):
            if any(event.get("type") not in _WITHOUT_EFFECT for event in result.events or ()):
                raise RailError(
                    f"{statement.place}: action {statement.action!r} returned events, which are not supported",
                    rail=self._context.name,
                )
            for name, value in (result.context_updates or {}).items():
                self._set(name, value)
            result = result.return_value
        self.result = result = plain(result)
        self.mapping = self._actions.mapping_of(statement.action)
        if isinstance(result, RailOutcome):
            return self._outcome(result, statement)
        if statement.target is not None:
            self._set(statement.target, result)
        return self._verdict(result, statement)

    def _verdict(self, result: Any, statement: Execute) -> Refusal | None:
        """Return the refusal that a result is by itself.

        Where nothing else in the flow could refuse, a result that is not assigned must say yes or no; `None` is that of
        an action which only does something. Elsewhere only what plainly forbids is heeded.
        """
        if statement.target is not None and (not self._verdicts or self._is_read(statement)):
            return None
        is_verdict = self._verdicts and statement.target is None and result is not None
        if self.mapping is not None or is_verdict:
            return refusal_of(result, statement.action, self._context.name, self.mapping)
        return Refusal(f"{statement.action} refused") if result is False else None

    def _set(self, name: str, value: Any) -> None:
        self.variables[name] = value
        self.changed.add(name)

    def _is_read(self, statement: Execute) -> bool:
        return statement.target in self._program.reads

    def _outcome(self, outcome: RailOutcome, statement: Execute) -> Refusal | None:
        """Carry out what an outcome says; a block that is assigned is left to the flow, which looks at it.

        One that is assigned to the text that is judged would take the text's place, and one whose variable nobody
        reads would be lost, so they are carried out too.
        """
        target = None if statement.target in {*TransformTarget} else statement.target
        if outcome.failed:
            reason = outcome.reason or "it did not say why"
            raise RailError(f"{statement.place}: {statement.action} has failed: {reason}", rail=self._context.name)
        if target is not None:
            self._set(target, outcome)
        if outcome.is_blocked:
            self._found = outcome.reason or f"{statement.action} refused"
            return Refusal(self._found) if target is None or not self._is_read(statement) else None
        for name, text in outcome.transform_text.items():
            self._set(name, text)
        return None

    def _saying(self, text: str) -> Refusal:
        """Return the refusal that says a text after what the flow has said before."""
        earlier = self._said.message if self._said is not None else None
        return Refusal(text, message="\n".join(filter(None, (earlier, text))))

    def _refusal(self) -> Refusal:
        said = self._said or Refusal(f"{self._context.name} refused")
        return replace(said, reason=self._found) if self._found and said.category is None else said

    def _text(self, statement: Bot) -> str:
        if statement.text is not None:
            return str(statement.text(self.variables))
        text = self._program.text_of(statement.phrase or "") or ""
        return str(filled(text, statement.place)(self.variables))


def _last_answer(turn: Turn) -> str:
    """Return what the bot said last, which is never what is judged."""
    said = [message.get("content") for message in turn.messages if message["role"] == "assistant"]
    return next((text for text in reversed(said) if isinstance(text, str)), "")


def _truth(condition: Expression, variables: dict[str, Any]) -> bool:
    return bool(condition(variables))


def _value(expression: Expression | None, variables: dict[str, Any]) -> Any:
    return None if expression is None else expression(variables)
