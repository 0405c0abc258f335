"""Flows as rails, and the registry in which they are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from handrail import Edit, RailContext, Verdict
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError
from handrail.plugins import RailSpec, hookimpl

from handrail_colang._app import App
from handrail_colang._code import ConfigCode
from handrail_colang._program import Program
from handrail_colang._running import Run

if TYPE_CHECKING:
    from handrail import RailsConfig, Registry, Turn, Window

    from handrail_colang._syntax import Flow


class ColangRail:
    """A flow as a window rail: `$bot_message` is the window's text, or `$user_message` the user's message.

    Args:
        flow: what to run for each window, from its first statement to its last.
        program: the flows and messages beside it.
        code: the configuration's own actions.
        context: the rail's.
    """

    def __init__(self, flow: Flow, program: Program, code: ConfigCode, context: RailContext) -> None:
        self._flow = flow
        self._program = program
        self._code = code
        self._context = context

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Run the flow.

        Raises:
            RailError: an action is missing or fails, or an expression has no value.
        """
        judged = "user_message" if self._context.direction == "input" else "bot_message"
        run = Run(self._program, self._code, self._context, turn, {judged: window.text})
        refusal = await run.flow(self._flow)
        if refusal is not None:
            return Verdict.block(refusal.reason, category=refusal.category, message=refusal.message)
        text = run.variables[judged]
        return Verdict.allow() if text == window.text else _rewritten(window, str(text))


class ColangRails:
    """A plugin of the rails of one configuration, whose Python files have been run already."""

    def __init__(self, code: ConfigCode) -> None:
        self.__name__ = "handrail-colang"  # what errors call it
        self._code = code

    @hookimpl
    def handrail_config_rails(self, config: RailsConfig) -> Iterable[RailSpec] | None:
        """Offer the flows."""
        if not (config.colang_files or config.colang_content or config.action_files):
            return None
        return list(_specs(Program.load(config), self._code, None))


def with_code(registry: Registry, code: ConfigCode) -> Registry:
    """Give a registry in which flows execute the actions of `code`, and nobody runs the Python files again."""
    with suppress(ConfigurationError):  # raised where the plugin is not in the registry anyway
        registry = registry.without(["handrail-colang"])
    return registry.with_plugins(ColangRails(code))


def rails_of(config: RailsConfig) -> Iterable[RailSpec]:
    """Give the rails of a configuration; its `init` is called when the first of them is built.

    Raises:
        InvalidRailsConfigurationError: its Colang or its Python cannot be used.
    """
    program = Program.load(config)
    code = ConfigCode.load(config)
    specs = list(_specs(program, code, config))
    used = {flow.name for flow in (*config.input_flows, *config.output_flows)}
    if code.inits and not used.intersection(spec.name for spec in specs):
        raise InvalidRailsConfigurationError(
            f"{code.inits[0][0]}:1:1: init(app) would never be called, for no flow of this configuration is used; "
            f"register what it registers on LLMRails, or use LLMRails of nemoguardrails"
        )
    return specs


def _specs(program: Program, code: ConfigCode, config: RailsConfig | None) -> Iterable[RailSpec]:
    initialised: list[object] = []
    for flow in program.flows.values():
        make = partial(_make, flow, program, code, initialised if config is not None else None)
        yield RailSpec(flow.name, make, summary=f"Flow in {flow.place}.")


def _make(
    flow: Flow,
    program: Program,
    code: ConfigCode,
    initialised: list[object] | None,
    settings: Mapping[str, Any],
    context: RailContext,
) -> ColangRail:
    if settings:
        raise InvalidRailsConfigurationError(f"flow {flow.name!r} has no settings, and is given {', '.join(settings)}")
    if initialised is not None and not initialised:
        initialised.append(context.registrations)
        code.initialise(App(context))
    return ColangRail(flow, program, code, context)


def _rewritten(window: Window, text: str) -> Verdict:
    """Give the smallest edit that makes the window's text the given one."""
    old = window.text
    shorter = min(len(old), len(text))
    start = next((i for i in range(shorter) if old[i] != text[i]), shorter)
    rest = shorter - start
    same = next((i for i in range(rest) if old[-1 - i] != text[-1 - i]), rest)
    return Verdict.rewrite([Edit(*window.span(start, len(old) - same), text[start : len(text) - same])])
