"""Flows as rails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from handrail import RailContext, Verdict, rewritten
from handrail.errors import InvalidRailsConfigurationError
from handrail.plugins import RailSpec

from handrail_colang._actions import Actions
from handrail_colang._app import App
from handrail_colang._code import ConfigCode
from handrail_colang._program import Program
from handrail_colang._running import Run

if TYPE_CHECKING:
    from handrail import RailsConfig, Registrations, Turn, Window

    from handrail_colang._syntax import Flow


class ColangRail:
    """A flow as a window rail: `$bot_message` is the window's text, or `$user_message` the user's message.

    Args:
        flow: what to run for each window, from its first statement to its last.
        program: the flows and messages beside it.
        code: the configuration's own actions.
        context: the rail's.

    Raises:
        ConfigurationError: the flow executes an installed rail that cannot be built.
    """

    def __init__(self, flow: Flow, program: Program, code: ConfigCode, context: RailContext) -> None:
        self._flow = flow
        self._program = program
        self._context = context
        self._actions = Actions(code, context, program.executed(flow))

    @property
    def asked(self) -> frozenset[str]:
        """The installed rails that it executes."""
        return self._actions.rails

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Run the flow.

        Raises:
            RailError: an action is missing or fails, or an expression has no value.
        """
        judged = "user_message" if self._context.direction == "input" else "bot_message"
        run = Run(self._program, self._actions, self._context, turn, {judged: window.text})
        refusal = await run.flow(self._flow)
        if refusal is not None:
            return Verdict.block(refusal.reason, category=refusal.category, message=refusal.message)
        text = run.variables[judged]
        return Verdict.allow() if text == window.text else rewritten(window, str(text))


def rails_of(config: RailsConfig, registrations: Registrations) -> Iterable[RailSpec]:
    """Give the rails of a configuration; its Python files are run, and what their `init` registers is kept.

    Raises:
        InvalidRailsConfigurationError: its Colang or its Python cannot be used.
    """
    program = Program.load(config)
    registrations.refusal = program.refusal
    code = ConfigCode.load(config)
    code.initialise(App(config, registrations))
    return [
        RailSpec(flow.name, partial(_make, flow, program, code), summary=f"Flow in {flow.place}.")
        for flow in program.flows.values()
    ]


def _make(
    flow: Flow, program: Program, code: ConfigCode, settings: Mapping[str, Any], context: RailContext
) -> ColangRail:
    rail = ColangRail(flow, program, code, context)
    if settings and flow.name not in rail.asked:  # else they are the installed rail's, whose name the flow has taken
        raise InvalidRailsConfigurationError(f"flow {flow.name!r} has no settings, and is given {', '.join(settings)}")
    return rail
