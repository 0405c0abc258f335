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
from handrail_colang._calls import call_variables
from handrail_colang._checks import powerless, powers
from handrail_colang._code import ConfigCode
from handrail_colang._dialogs import hand_over
from handrail_colang._own import flow_of_action, flows_of_actions
from handrail_colang._program import Program
from handrail_colang._running import Run
from handrail_colang._verdicts import refusal_of

if TYPE_CHECKING:
    from handrail import RailsConfig, Registrations, Turn, Window

    from handrail_colang._syntax import Flow

_THINKING = "bot_thinking"
_OF_THE_TURN = frozenset(("bot_message", _THINKING, "config", "last_bot_message", "last_user_message", "user_message"))


class ColangRail:
    """A flow as a window rail: `$bot_message` is the window's text, or `$user_message` the user's message.

    A flow that reads `$bot_thinking` judges the model's reasoning, which comes in windows of its own.

    Args:
        flow: what to run for each window, from its first statement to its last.
        program: the flows and messages beside it.
        code: the configuration's own actions.
        context: the rail's.

    Raises:
        ConfigurationError: the flow executes an installed rail that cannot be built, or can do nothing to the text.
    """

    def __init__(self, flow: Flow, program: Program, code: ConfigCode, context: RailContext) -> None:
        self._flow = flow
        self._program = program
        self._context = context
        self._actions = Actions(code, context, program.executed(flow))
        self._reads_thinking = _THINKING in program.reads_of(flow)
        self._verdicts = not powers(flow, program).stops
        self._own_variables = _OF_THE_TURN | (program.reads_of(flow) - program.read_outside(flow))
        self._is_action = flow.name not in program.flows
        judged = "user_message" if context.direction == "input" else "bot_message"
        problem = powerless(flow, program, judged) or self._torn()
        if problem is not None:
            raise InvalidRailsConfigurationError(problem)

    @property
    def asked(self) -> frozenset[str]:
        """The installed rails that it executes."""
        return self._actions.rails

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Run the flow.

        Raises:
            RailError: an action is missing or fails, or an expression has no value.
        """
        judged = self._judged(window)
        run = Run(self._program, self._actions, self._context, turn, {judged: window.text}, verdicts=self._verdicts)
        refusal = await run.flow(self._flow)
        if refusal is None and self._is_action:
            refusal = refusal_of(run.result, self._flow.name, self._context.name, run.mapping)
        self._keep(run, turn)
        if refusal is not None:
            return Verdict.block(refusal.reason, category=refusal.category, message=refusal.message)
        text = run.variables[judged]
        return Verdict.allow() if text == window.text else rewritten(window, str(text))

    def _torn(self) -> str | None:
        """Return why a flow that reads the model's reasoning cannot see what else it asks for; None if it can."""
        if not self._reads_thinking:
            return None
        where = f"{self._flow.place}: flow {self._flow.name!r} reads ${_THINKING}"
        if self._context.direction == "input":
            return f"{where}, which an input rail has not seen yet"
        if self._actions.rails or "bot_message" in self._program.reads_of(self._flow):
            return f"{where} and judges the answer too; they come apart, so write a flow for each"
        return None

    def _keep(self, run: Run, turn: Turn) -> None:
        """Keep what the flow has set for the rails that come later in the call, and for the caller who asks for it."""
        call = call_variables.get()
        if call is not None:
            of_the_answer = self._context.direction == "output"
            call.keep({name: run.variables[name] for name in run.changed - _OF_THE_TURN}, of_the_answer=of_the_answer)
        kept = run.changed - self._own_variables
        if kept and isinstance(turn.variables, dict):  # made for this call, so no other call sees it
            turn.variables.update({name: run.variables[name] for name in kept})

    def _judged(self, window: Window) -> str:
        if self._context.direction == "input":
            return "user_message"
        return _THINKING if self._reads_thinking and window.channel == "reasoning" else "bot_message"


def action_rail(action: str, context: RailContext) -> ColangRail:
    """Return a rail that is one action, registered under this name, in place of the rail whose context this is."""
    flow = flow_of_action(context.name, action)
    return ColangRail(flow, Program({}, {}), ConfigCode(), context)


def defined_flows(config: RailsConfig, registrations: Registrations) -> frozenset[str]:
    """Return the rails that a configuration defines itself, once its files have been run: flows, and own actions.

    Raises:
        InvalidRailsConfigurationError: its Colang cannot be used.
    """
    flows = Program.load(config).flows
    named = (*config.input_flows, *config.output_flows)
    return frozenset(flows) | {flow.name for flow in flows_of_actions(named, flows, registrations.actions)}


def defined_messages(config: RailsConfig) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return what a configuration defines of users and of the bot: by phrase, what is said.

    Raises:
        InvalidRailsConfigurationError: its Colang cannot be used.
    """
    program = Program.load(config)
    users = {phrase: list(intent.examples) for phrase, intent in program.intents.items()}
    return users, {phrase: list(message.texts) for phrase, message in program.messages.items()}


def rails_of(config: RailsConfig, registrations: Registrations) -> Iterable[RailSpec]:
    """Return the rails of a configuration; its Python files are run, and what their `init` registers is kept.

    Raises:
        InvalidRailsConfigurationError: its Colang or its Python cannot be used.
    """
    program = Program.load(config)
    registrations.refusal = program.refusal
    code = ConfigCode.load(config)
    code.initialise(App(config, registrations))
    registrations.actions.update({name: run for name, run in code.actions.items() if name not in registrations.actions})
    hand_over(config, program, code, registrations)
    named = (*config.input_flows, *config.output_flows)
    own = flows_of_actions(named, program.flows, registrations.actions)
    return [_spec(flow, program, code) for flow in (*program.flows.values(), *own)]


def _spec(flow: Flow, program: Program, code: ConfigCode) -> RailSpec:
    return RailSpec(
        flow.name,
        partial(_make, flow, program, code),
        summary=f"Flow in {flow.place}.",
        channels=("reasoning",) if _THINKING in program.reads_of(flow) else ("text",),
        defined_at=str(flow.place),
        rewrites="whole",  # what a flow puts in the answer's place is an answer, and no part of one
    )


def _make(
    flow: Flow, program: Program, code: ConfigCode, settings: Mapping[str, Any], context: RailContext
) -> ColangRail:
    rail = ColangRail(flow, program, code, context)
    if settings and flow.name not in rail.asked:  # else they are the installed rail's, whose name the flow has taken
        raise InvalidRailsConfigurationError(f"flow {flow.name!r} has no settings, and is given {', '.join(settings)}")
    return rail
