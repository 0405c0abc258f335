"""The actions that a flow may execute: the configuration's own, those that were registered, and installed rails."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError, RailError, message_of

from handrail_colang._asking import ActionModel, TaskManager
from handrail_colang._calls import ActionRun, call_variables
from handrail_colang._names import named_so, names_of
from handrail_colang._outcomes import ACTION_NAME, ActionResult, RailOutcome, TransformTarget
from handrail_colang._said import events_of

if TYPE_CHECKING:
    from handrail import InnerRail, RailContext, Turn

    from handrail_colang._code import ConfigCode
    from handrail_colang._syntax import Execute, Variables
    from handrail_colang._verdicts import Mapping as OutputMapping

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_FROM_CONTEXT = "__context__"  # before the name of a variable, in the name of a parameter
_SPECIAL = ("bot_message", "config", "last_user_message", "user_message")


class Actions:
    """What the flows of one rail may execute.

    An installed rail is an action under its name with underscores, as `self_check_output`, unless the configuration or
    the program has an action of that name.

    Args:
        code: the configuration's own actions.
        context: the rail's.
        executed: every `execute` that the rail may come to.
        dialog: the name of the dialog whose actions they are; None for those of a rail.

    Raises:
        ConfigurationError: an installed rail that is executed cannot be built, or is given what it does not take.
    """

    def __init__(
        self, code: ConfigCode, context: RailContext, executed: Iterable[Execute], *, dialog: str | None = None
    ) -> None:
        self._code = code
        self._dialog = dialog
        self._context = context
        self._rails: dict[str, InnerRail] = {}
        self._objects: dict[type, Any] = {}  # of the classes that were registered
        for statement in executed:
            if self._function(statement.action) is None:
                self._add_rail(statement)

    @property
    def rails(self) -> frozenset[str]:
        """The names of the installed rails among them."""
        return frozenset(rail.name for rail in self._rails.values())

    async def execute(self, statement: Execute, turn: Turn, variables: Variables) -> Any:
        """Execute an action. One that is not asynchronous runs in a thread, since it may block.

        Raises:
            RailError: it is not there, needs what nobody gives, or raises.
        """
        started_at, asked = time.time(), set[str]()
        result, error = None, ""
        try:
            result = await self._run(statement, turn, variables, asked)
        except RailError as exc:
            error = str(exc)
            raise
        finally:
            self._note(statement, result, error, frozenset(asked), started_at)
        return result

    async def _run(self, statement: Execute, turn: Turn, variables: Variables, asked: set[str]) -> Any:
        function = self._function(statement.action)
        if function is None and (rail := self._rails.get(statement.action)) is not None:
            asked.add(statement.action)
            return await _Inner(rail, statement, turn, variables).judge()
        if function is None:
            raise self._unknown(statement)
        return await _Call(statement, function, self._context, turn, variables, asked).run()

    def _note(self, statement: Execute, result: Any, error: str, asked: frozenset[str], started_at: float) -> None:
        """Write down what was executed, where the call keeps that."""
        call = call_variables.get()
        if call is None:
            return
        run = ActionRun(
            rail=self._context.name if self._dialog is None else self._dialog,
            kind=self._context.direction if self._dialog is None else "dialog",
            arguments=self._context.arguments,
            name=statement.action,
            params=statement.written,
            result=result.return_value if isinstance(result, ActionResult) else result,
            error=error,
            tasks=asked,
            started_at=started_at,
            finished_at=time.time(),
        )
        call.actions.append(run)

    def mapping_of(self, name: str) -> OutputMapping | None:
        """Return how the author of an action reads its results, if that is set."""
        function = self._function(name)
        meta = getattr(function, ACTION_NAME, None) or getattr(getattr(function, "__self__", None), ACTION_NAME, None)
        mapping = meta.get("output_mapping") if isinstance(meta, dict) else None
        return mapping if callable(mapping) else None

    def _function(self, name: str) -> Callable[..., Any] | None:
        known = self._known()
        its_names = (named_so(candidate, known) for candidate in names_of(name))
        found = next((known[its_name] for its_name in its_names if its_name is not None), None)
        if inspect.isclass(found) and callable(getattr(found, "run", None)):
            found = self._object_of(found)
        run = getattr(found, "run", None)
        return run if callable(run) and not inspect.isroutine(found) else found

    def _object_of(self, action: type) -> Any:
        if action not in self._objects:
            self._objects[action] = action()
        return self._objects[action]

    def _known(self) -> dict[str, Callable[..., Any]]:
        return {**self._code.actions, **self._context.registrations.actions}

    def _add_rail(self, statement: Execute) -> None:
        try:
            rails = (self._context.rail(name.replace("_", " ")) for name in names_of(statement.action))
            rail = next((rail for rail in rails if rail is not None), None)
        except ConfigurationError as exc:
            raise InvalidRailsConfigurationError(f"{statement.place}: action {statement.action!r}: {exc}") from exc
        if rail is None:
            return
        if statement.positional or set(statement.keywords) - {"text"}:
            raise InvalidRailsConfigurationError(
                f"{statement.place}: {statement.action!r} is the installed rail {rail.name!r}, "
                f"which takes nothing but 'text'"
            )
        if rail.direction == "output" and self._context.direction == "input" and "text" not in statement.keywords:
            raise InvalidRailsConfigurationError(
                f"{statement.place}: {statement.action!r} judges the answer, which an input rail has not seen yet"
            )
        self._rails[statement.action] = rail

    def _unknown(self, statement: Execute) -> RailError:
        known = self._known()
        near = get_close_matches(statement.action, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return RailError(
            f"{statement.place}: action {statement.action!r} is not registered; {hint}registered: "
            f"{', '.join(sorted(known)) or 'none'}. Define it in actions.py with @action(), or call register_action",
            rail=self._context.name,
        )


@dataclass(frozen=True, slots=True)
class _Inner:
    """An `execute` of an installed rail that is about to run."""

    rail: InnerRail
    statement: Execute
    turn: Turn
    variables: Variables

    async def judge(self) -> RailOutcome:
        target = TransformTarget.USER_MESSAGE if self.rail.direction == "input" else TransformTarget.BOT_MESSAGE
        given = self.statement.keywords.get("text")
        text = str(self.variables[target] if given is None else given(self.variables))
        own = {name: value for name, value in self.variables.items() if name not in _SPECIAL}
        verdict = await self.rail.judge(text, replace(self.turn, variables={**self.turn.variables, **own}))
        if verdict.decision == "block":
            return RailOutcome.block(reason=verdict.reason)
        if verdict.decision == "rewrite":
            return RailOutcome.transform([(target, "".join(edit.replacement for edit in verdict.edits))])
        return RailOutcome.allow()


@dataclass(frozen=True, slots=True)
class _Call:
    """An `execute` of a function that is about to run."""

    statement: Execute
    function: Callable[..., Any]
    context: RailContext
    turn: Turn
    variables: Variables
    asked: set[str]  # under which tasks it asks models

    async def run(self) -> Any:
        function = self.function
        positional = [value(self.variables) for value in self.statement.positional]
        keywords = self._keywords(len(positional))
        try:
            if inspect.iscoroutinefunction(function):
                result = await function(*positional, **keywords)
            else:
                result = await anyio.to_thread.run_sync(
                    lambda: function(*positional, **keywords), abandon_on_cancel=True
                )
                result = await result if inspect.isawaitable(result) else result
        except Exception as exc:
            raise self._error(f"raised {type(exc).__name__}: {message_of(exc)}") from exc
        return self._decided(result)

    def _decided(self, result: Any) -> Any:
        """Return the result, unless it is work that nobody has done: that counts as true, and would let pass."""
        told = result.return_value if isinstance(result, ActionResult) else result
        if inspect.iscoroutine(told) or inspect.isgenerator(told):
            told.close()
        elif not (inspect.isawaitable(told) or inspect.isasyncgen(told) or inspect.isroutine(told)):
            return result
        raise self._error(f"returned a {type(told).__name__}, not its result; await it, or call it, in the action")

    def _keywords(self, taken: int) -> dict[str, Any]:
        given = {name: value(self.variables) for name, value in self.statement.keywords.items()}
        try:
            parameters = inspect.signature(self.function).parameters
        except (TypeError, ValueError):  # built in, without a signature
            return given
        offered = self._offered(parameters)
        named = [parameter for parameter in parameters.values() if parameter.kind in _NAMED][taken:]
        keywords = {parameter.name: offered[parameter.name] for parameter in named if parameter.name in offered}
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
            by_position = [name for name, parameter in parameters.items() if parameter.kind in _NAMED][:taken]
            keywords = {**{name: value for name, value in offered.items() if name not in by_position}, **keywords}
        keywords.update(given)
        self._require(keywords, named)
        asked = {parameter.name for parameter in named}
        return {
            name: value() if isinstance(value, _Lazy) else value
            for name, value in keywords.items()
            if name in asked or not isinstance(value, _Lazy) or value.can_be_made
        }

    def _offered(self, parameters: Iterable[str]) -> dict[str, Any]:
        offered = {**self._special(), **self.context.arguments, **self.context.registrations.action_params}
        wanted = (name for name in parameters if name.startswith(_FROM_CONTEXT))
        return offered | {name: self.variables.get(name.removeprefix(_FROM_CONTEXT)) for name in wanted}

    def _require(self, keywords: Mapping[str, Any], named: Sequence[inspect.Parameter]) -> None:
        missing = [
            parameter.name
            for parameter in named
            if parameter.default is inspect.Parameter.empty and parameter.name not in keywords
        ]
        if missing:
            raise self._error(
                f"needs {', '.join(map(repr, missing))}, which nobody gives; pass it in the flow, as "
                f"'execute {self.statement.action}({missing[0]}=...)', or with register_action_param"
            )

    def _special(self) -> Mapping[str, Any]:
        task = self.statement.action
        return {
            "context": dict(self.variables),
            "events": events_of(self.turn.messages, self.variables),
            "config": self.context.config,
            "llm": _Lazy(lambda: ActionModel(self.context.model(task), self.turn, task, self.asked), self._has_model),
            "llm_task_manager": _Lazy(lambda: TaskManager(self.context), lambda: True),
        }

    def _has_model(self) -> bool:
        try:
            self.context.model(self.statement.action)
        except ConfigurationError:
            return False
        return True

    def _error(self, what: str) -> RailError:
        return RailError(f"{self.statement.place}: action {self.statement.action!r} {what}", rail=self.context.name)


class _Lazy:
    """Something that is made only if an action takes it."""

    def __init__(self, make: Callable[[], Any], possible: Callable[[], bool]) -> None:
        self._make = make
        self._possible = possible

    @property
    def can_be_made(self) -> bool:
        """Whether it can be had; an action that takes whatever there is does without."""
        return self._possible()

    def __call__(self) -> Any:
        return self._make()
