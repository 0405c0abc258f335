"""Installed rails as existing configurations expect them: own actions in their place, `$task=`, variables."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from handrail import Registry
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError, RailError
from handrail.plugins import RailSpec
from handrail_colang import action_in_place, action_rail, call_variables, defined_flows

if TYPE_CHECKING:
    from handrail import RailContext, Registrations, Turn, Verdict, Window
    from handrail.config import RailsConfig
    from handrail_colang import ColangRail

_log = logging.getLogger("nemoguardrails")
_TASK = "task"


class _Offer(Protocol):
    @property
    def spec(self) -> RailSpec: ...

    def load(self) -> object: ...


def library_rails(config: RailsConfig, registrations: Registrations, registry: Registry | None) -> list[RailSpec]:
    """Return the installed rails that a configuration names, with what existing configurations expect of them.

    Args:
        config: the configuration.
        registrations: what its own code has registered.
        registry: what is installed; whatever is found, unless a program says what.
    """
    installed = (registry or Registry.discover()).allowed(config)
    own, known = defined_flows(config, registrations), set(installed.names(RailSpec))
    names = dict.fromkeys(flow.name for flow in (*config.input_flows, *config.output_flows))
    late = registry is not None
    return [_spec(name, installed.rail(name), config, late=late) for name in names if name in known and name not in own]


def _spec(name: str, offer: _Offer, config: RailsConfig, *, late: bool) -> RailSpec:
    spec = offer.spec
    _refuse_reasoning(spec, config)
    flows = (*config.input_flows, *config.output_flows)
    has_task = any(_TASK in flow.arguments for flow in flows if flow.name == name)
    return replace(
        spec,
        name=name,
        target=partial(_build, offer, late),
        aliases=(),
        config_key=spec.config_key or spec.name,
        prompts=() if has_task else spec.prompts,
        defined_at=_place(name, config),
    )


def _place(name: str, config: RailsConfig) -> str:
    """Return where the configuration names a rail in the way of existing ones."""
    flows = (("input", config.input_flows), ("output", config.output_flows))
    at = ((direction, n) for direction, named in flows for n, flow in enumerate(named) if flow.name == name)
    direction, index = next(at)
    return config.where("rails", direction, "flows", index) or f"rails.{direction}.flows"


def _refuse_reasoning(spec: RailSpec, config: RailsConfig) -> None:
    """Refuse a prompt that asks for the model's reasoning, which its rail does not see beside the answer."""
    for index, prompt in enumerate(config.prompts):
        texts = (entry if isinstance(entry, str) else entry.content for entry in prompt.messages or ())
        if prompt.task in spec.prompts and any("bot_thinking" in text for text in (prompt.content or "", *texts)):
            place = config.where("prompts", index)
            raise InvalidRailsConfigurationError(
                f"{f'{place}: ' if place else ''}the prompt of the task {prompt.task!r} uses 'bot_thinking', which "
                f"comes apart from the answer; judge it in a flow that reads $bot_thinking"
            )


def _build(offer: _Offer, late: bool, settings: object, context: RailContext) -> object:  # noqa: FBT001  # bound
    make = cast("Any", offer.load())
    try:
        rail = make(settings, _for_task(offer.spec, context))
    except ConfigurationError as exc:
        if not late or not _is_placeholder(offer.spec, context.config):
            raise
        _log.warning("rail %r refuses everything until an action takes its place: %s", context.name, exc)
        rail = _Placeholder(str(exc), context.name)
    return LibraryRail(rail, context) if callable(getattr(rail, "check", None)) else rail


def _for_task(spec: RailSpec, context: RailContext) -> RailContext:
    """Return the context of a rail with `$task=name`: the prompt written for it, and the model of that name, if any."""
    name = context.arguments.get(_TASK)
    if name is None or len(spec.prompts) != 1:
        return context
    (task,) = spec.prompts
    tasks = {prompt.task for prompt in context.config.prompts}
    full = f"{task} ${_TASK}={name}"
    prompt = next((candidate for candidate in (full, name) if candidate in tasks), full)
    model = name if context.config.model_for(name) is not None else task
    return context.with_task(task, prompt=prompt, model=model)


def _is_placeholder(spec: RailSpec, config: RailsConfig) -> bool:
    """Return whether a rail's prompt is there for form's sake, because an action of one's own will judge."""
    found = [prompt for prompt in config.prompts if prompt.task in spec.prompts]
    return bool(found) and all(prompt.content is not None and "{" not in prompt.content for prompt in found)


class _Placeholder:
    """A rail that cannot be built, and fails until an action takes its place."""

    def __init__(self, problem: str, name: str) -> None:
        self._problem = problem
        self._name = name

    async def check(self, window: Window, turn: Turn) -> Verdict:  # noqa: ARG002  # the interface
        """Raise what is wrong with it."""
        raise RailError(self._problem, rail=self._name)


class LibraryRail:
    """An installed window rail that gives way to an action of its name, whenever that is registered.

    Args:
        rail: the installed rail.
        context: its context.
    """

    def __init__(self, rail: Any, context: RailContext) -> None:
        self._rail = rail
        self._context = context
        self._own: dict[str, ColangRail] = {}
        instructions = "\n".join(entry.content for entry in context.config.instructions)
        self._texts = {
            "general_instructions": instructions,
            "sample_conversation": context.config.sample_conversation or "",
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rail, name)

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Ask the action in the rail's place, if there is one, else the rail."""
        action = action_in_place(self._context.name, self._context.registrations.actions)
        if action is not None:
            if action not in self._own:
                self._own[action] = action_rail(action, self._context)
            return await self._own[action].check(window, turn)
        verdict: Verdict = await self._rail.check(window, replace(turn, variables=self._variables(turn)))
        return verdict

    def _variables(self, turn: Turn) -> Mapping[str, Any]:
        spoken = [str(message.get("content") or "") for message in turn.messages if message["role"] == "assistant"]
        last = {"last_user_message": turn.user_message, "last_bot_message": spoken[-1] if spoken else ""}
        call = call_variables.get()
        said = {} if call is None else call.said
        return {"relevant_chunks": "", **turn.variables, **said, **self._texts, **last}


def refuse_on_streams(action: str, plans: Iterable[Any]) -> None:
    """Refuse an action that has the name of a rail which would not ask for it.

    Args:
        action: the action's name.
        plans: the rails of a composition.

    Raises:
        ConfigurationError: there is such a rail.
    """
    for plan in plans:
        if action_in_place(plan.name, {action: plan}) is not None and not heeds_actions(plan.rail):
            raise ConfigurationError(
                f"the action {action!r} cannot take the place of the rail {plan.name!r}, which works on the stream "
                f"itself; define a flow in Colang that executes the action, and name the flow instead"
            )


def heeds_actions(rail: object) -> bool:
    """Return whether a rail asks for actions when it checks, so that one that is registered late is heeded."""
    return isinstance(rail, LibraryRail) or type(rail).__module__.startswith("handrail_colang.")
