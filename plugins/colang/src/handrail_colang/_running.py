"""Runs a flow, statement by statement, to the refusal that it ends with or to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail.errors import RailError

from handrail_colang._actions import ActionCall
from handrail_colang._expressions import ExpressionError, filled
from handrail_colang._outcomes import ActionResult, RailOutcome
from handrail_colang._syntax import (
    Assign,
    Block,
    Bot,
    CreateEvent,
    Do,
    Execute,
    Expression,
    If,
    Statement,
    Stop,
    Unsupported,
)

if TYPE_CHECKING:
    from handrail import RailContext, Turn

    from handrail_colang._code import ConfigCode
    from handrail_colang._program import Program
    from handrail_colang._syntax import Flow


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a flow lets nothing more pass, and what it tells the user, if it says so."""

    reason: str
    category: str | None = None
    message: str = ""


class Run:
    """One run of a flow over one text, with variables of its own.

    Args:
        program: the flows and messages that may be named.
        code: the configuration's own actions.
        context: the rail's.
        turn: what is judged.
        judged: the variable that is judged, with its text.
    """

    def __init__(
        self, program: Program, code: ConfigCode, context: RailContext, turn: Turn, judged: Mapping[str, str]
    ) -> None:
        self.variables: dict[str, Any] = {
            **turn.variables,
            **context.arguments,
            "config": context.config,
            "user_message": turn.user_message,
            "last_user_message": turn.user_message,
            **judged,
        }
        self._program = program
        self._code = code
        self._context = context
        self._turn = turn
        self._said: Refusal | None = None

    async def flow(self, flow: Flow) -> Refusal | None:
        """Run a flow; give the refusal that it ends with, None if it lets the text pass.

        Raises:
            RailError: it could not be run.
        """
        try:
            return await self._block(flow.body)
        except ExpressionError as exc:
            raise RailError(str(exc), rail=self._context.name) from exc

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
                self.variables[statement.name] = statement.value(self.variables)
            case Execute():
                return await self._execute(statement)
            case Do():
                return await self._block(self._program.flows[statement.flow].body)
            case Bot():
                text = self._text(statement)
                self._said = Refusal(text, message=text)
            case CreateEvent():
                message = _value(statement.keywords.get("message"), self.variables) or statement.name
                self._said = Refusal(str(filled(str(message), statement.place)(self.variables)), statement.name)
            case Stop():
                return self._said or Refusal(f"{self._context.name} refused")
            case Unsupported():  # pragma: no cover  # refused when the configuration is loaded
                raise RailError(f"{statement.place}: {statement.construct} cannot be run", rail=self._context.name)
        return None

    async def _execute(self, statement: Execute) -> Refusal | None:
        call = ActionCall(statement, self._code, self._context, self._turn, self.variables)
        result = await call.run()
        if isinstance(result, ActionResult):
            if result.events:
                raise RailError(
                    f"{statement.place}: action {statement.action!r} returned events, which are not supported",
                    rail=self._context.name,
                )
            self.variables.update(result.context_updates or {})
            result = result.return_value
        if statement.target is not None:
            self.variables[statement.target] = result
        return self._outcome(result, statement) if isinstance(result, RailOutcome) else None

    def _outcome(self, outcome: RailOutcome, statement: Execute) -> Refusal | None:
        """Carry out what an outcome says; a block that is assigned is left to the flow, which looks at it."""
        reason = outcome.reason or f"{statement.action} refused"
        if outcome.failed:
            raise RailError(f"{statement.place}: {statement.action} has failed: {reason}", rail=self._context.name)
        if outcome.is_blocked and statement.target is None:
            return Refusal(reason)
        self.variables.update(outcome.transform_text)
        return None

    def _text(self, statement: Bot) -> str:
        if statement.text is not None:
            return str(statement.text(self.variables))
        text = self._program.text_of(statement.phrase or "") or ""
        return str(filled(text, statement.place)(self.variables))


def _truth(condition: Expression, variables: dict[str, Any]) -> bool:
    return bool(condition(variables))


def _value(expression: Expression | None, variables: dict[str, Any]) -> Any:
    return None if expression is None else expression(variables)
