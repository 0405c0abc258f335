"""Executes one action: finds it, gives it the arguments that it names, and waits for what it returns."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from handrail.errors import RailError

from handrail_colang._asking import ActionModel, TaskManager

if TYPE_CHECKING:
    from handrail import RailContext, Turn

    from handrail_colang._code import ConfigCode
    from handrail_colang._syntax import Execute, Variables

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class ActionCall:
    """An `execute` that is about to run."""

    def __init__(
        self, statement: Execute, code: ConfigCode, context: RailContext, turn: Turn, variables: Variables
    ) -> None:
        self._statement = statement
        self._code = code
        self._context = context
        self._turn = turn
        self._variables = variables

    async def run(self) -> Any:
        """Execute the action. One that is not asynchronous runs in a thread, since it may block.

        Raises:
            RailError: it is not there, needs what nobody gives, or raises.
        """
        function = self._found()
        positional = [value(self._variables) for value in self._statement.positional]
        keywords = self._keywords(function, len(positional))
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*positional, **keywords)
            result = await anyio.to_thread.run_sync(lambda: function(*positional, **keywords), abandon_on_cancel=True)
            return await result if inspect.isawaitable(result) else result
        except Exception as exc:
            raise self._error(f"raised {type(exc).__name__}: {exc}") from exc

    def _found(self) -> Callable[..., Any]:
        known = {**self._code.actions, **self._context.registrations.actions}
        name = self._statement.action
        for candidate in (name, _snake(name), _snake(name).removesuffix("_action")):
            if candidate in known:
                found = known[candidate]
                run = getattr(found, "run", None)
                return run if callable(run) and not inspect.isroutine(found) else found
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise self._error(
            f"is not registered; {hint}registered: {', '.join(sorted(known)) or 'none'}. Define it in actions.py "
            f"with @action(), or call register_action"
        )

    def _keywords(self, function: Callable[..., Any], taken: int) -> dict[str, Any]:
        given = {name: value(self._variables) for name, value in self._statement.keywords.items()}
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):  # built in, without a signature
            return given
        offered = {**self._special(), **self._context.arguments, **self._context.registrations.action_params}
        named = [parameter for parameter in parameters.values() if parameter.kind in _NAMED][taken:]
        keywords = {parameter.name: offered[parameter.name] for parameter in named if parameter.name in offered}
        keywords.update(given)
        missing = [
            parameter.name
            for parameter in named
            if parameter.default is inspect.Parameter.empty and parameter.name not in keywords
        ]
        if missing:
            raise self._error(
                f"needs {', '.join(map(repr, missing))}, which nobody gives; pass it in the flow, as "
                f"'execute {self._statement.action}({missing[0]}=...)', or with register_action_param"
            )
        return {name: value() if isinstance(value, _Lazy) else value for name, value in keywords.items()}

    def _special(self) -> dict[str, Any]:
        task = self._statement.action
        return {
            "context": dict(self._variables),
            "events": _events(self._variables),
            "config": self._context.config,
            "llm": _Lazy(lambda: ActionModel(self._context.model(task), self._turn, task)),
            "llm_task_manager": _Lazy(lambda: TaskManager(self._context)),
        }

    def _error(self, what: str) -> RailError:
        return RailError(f"{self._statement.place}: action {self._statement.action!r} {what}", rail=self._context.name)


class _Lazy:
    """Something that is made only if an action names it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self) -> Any:
        return self._make()


def _snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def _events(variables: Variables) -> list[dict[str, Any]]:
    events = [{"type": "UtteranceUserActionFinished", "final_transcript": variables["user_message"]}]
    if "bot_message" in variables:
        events.append({"type": "StartUtteranceBotAction", "script": variables["bot_message"]})
    return events
