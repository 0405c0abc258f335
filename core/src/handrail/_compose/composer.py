"""Composes a configuration with what is installed: loads what it names, validates settings, builds everything once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from handrail._compose.building import built
from handrail._compose.cascade import cascaded
from handrail._compose.composition import Composition, ObserverPlan
from handrail._compose.contexts import ObserverContext, RailContext
from handrail._compose.functions import FunctionRail, RailFunction, require_function_of_text
from handrail._compose.inner import InnerRail
from handrail._compose.models import ModelNotBuiltError, Models
from handrail._compose.placed import placed
from handrail._compose.planning import RailPlanner, plugin_settings
from handrail._compose.problems import Problems
from handrail._compose.shared import Shared
from handrail._compose.unused import refuse_misspelt_models, refuse_unserved, refuse_unused_settings
from handrail._plugins.registrations import Registrations
from handrail._plugins.registry import Registry
from handrail._records import RailId
from handrail._specs import DIRECTIONS, RailSpec
from handrail._telling import Observers, never_awaited
from handrail._tokens import token_counter
from handrail.config import Flow, RailOptions
from handrail.errors import (
    ConfigurationError,
    HandrailError,
    InvalidRailsConfigurationError,
    PluginContractError,
    message_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail._plugins.registry import Offer
    from handrail._specs import Direction
    from handrail._stream.plan import RailPlan
    from handrail.config import RailsConfig, When


def compose(
    config: RailsConfig, registry: Registry | None, llm: object = None, observers: Sequence[object] = ()
) -> Composition:
    """Build a configuration.

    Args:
        config: what to build.
        registry: what is installed; None for whatever is found, or of that what `plugins.enable` names.
        llm: a provider that takes the place of the configured main model.
        observers: who is told what happens in calls, beside those of the configuration.

    Raises:
        ConfigurationError: something it names is missing or wrong; each problem is a line of `problems`.
    """
    return _composed(_Composer(config, registry), lambda composer: composer.compose(llm, observers))


def compose_alone(config: RailsConfig, registry: Registry | None, flow: str, direction: Direction) -> Composition:
    """Build one rail of a configuration, here, and the models that it may ask.

    Raises:
        ConfigurationError: something that it needs is missing or wrong.
    """
    try:
        parsed = Flow.parse(flow)
    except ValueError as exc:
        raise InvalidRailsConfigurationError(f"the flow {flow!r} is not valid: {message_of(exc)}") from exc
    return _composed(_Composer(config, registry), lambda composer: composer.compose_alone(parsed, direction))


def _composed(composer: _Composer, compose: Callable[[_Composer], Composition]) -> Composition:
    """Return what comes of composing, unless there are problems."""
    try:
        composition = compose(composer)
    except HandrailError as exc:  # what could not even be looked at because of another problem
        composer.problems.note(exc, composer.place_of(exc))
        composition = None
    composer.problems.raise_if_any()
    return cast("Composition", composition)


def plan_of_function(
    app: Composition,
    name: str,
    function: RailFunction,
    direction: Direction,
    given: Mapping[str, Any],
    *,
    rewrites: bool | None,
) -> RailPlan:
    """Make a rail of a function.

    Raises:
        ConfigurationError: an option is wrong, or the function is not one of a text.
    """
    require_function_of_text(name, function)
    options = app.config.validate_settings(RailOptions, given, "options")
    for key in ("when", "place"):
        if getattr(options, key) is not None:
            text = f"{key!r} is not supported for a function; it needs rails.config.<rail>"
            raise InvalidRailsConfigurationError(text)
    planner = RailPlanner(app.config, app.registry, app.counter)
    spec = RailSpec(name, function, rewrites=False if rewrites is False else "whole", whole=rewrites is True)
    rail = FunctionRail(name, function, rewrites=rewrites is not False)
    return planner.plan(spec, "register_rail", rail, options, None, direction)


class _Composer:
    def __init__(self, config: RailsConfig, registry: Registry | None) -> None:
        self.problems = Problems()
        self._config = config
        self._given = registry
        self._registrations = Registrations()
        main = config.model_for("main")
        self._counter = token_counter((main and main.model) or "")
        self._shared = Shared()
        self._models = Models(config, self._counter, self._shared)
        self._inner_rails: list[RailPlan] = []
        self._whens: dict[int, When | None] = {}

    def place_of(self, error: HandrailError) -> str:
        """Return where the configuration names the plugin that an error is about, if it is about one."""
        subject = error.problems[0].subject if isinstance(error, ConfigurationError) else ""
        plugins = self._config.plugins
        for key, names in (("enable", plugins.enable or ()), ("disable", plugins.disable)):
            if subject in names:
                return self._config.where("plugins", key, names.index(subject))
        return ""

    def compose_alone(self, flow: Flow, direction: Direction) -> Composition:
        registry = self._prepared()
        self._models.build(registry, None, self.problems)
        plan = self._build_offered(registry.rail(flow.name), flow, direction, here=True)
        inputs, outputs = ((plan,), ()) if direction == "input" else ((), (plan,))
        return self._composition(self._config, inputs, outputs, Observers(), ())

    def _prepared(self) -> Registry:
        installed = self._given or Registry.discover(only=self._config.plugins.enable)
        self._registry = installed.for_config(self._config, self._registrations)
        self._planner = RailPlanner(self._config, self._registry, self._counter)
        return self._registry

    def compose(self, llm: object, observers: Sequence[object]) -> Composition:
        config, problems = self._config, self.problems
        registry = self._prepared()
        refuse_unserved(config, registry, problems)
        self._models.build(registry, llm, problems)
        rails = {direction: self._cascaded(tuple(self._build_rails(direction))) for direction in DIRECTIONS}
        refuse_unused_settings(config, registry, (*rails["input"], *rails["output"]), problems)
        self._refuse_wrong_streaming()
        refuse_misspelt_models(config, registry, self._models, problems)
        plans = tuple(self._build_observers())
        told = Observers((*(plan.observer for plan in plans), *observers))
        inputs = tuple(plan.for_message() for plan in rails["input"])
        return self._composition(self._with_own_refusal(), inputs, rails["output"], told, plans)

    def _composition(
        self,
        config: RailsConfig,
        inputs: tuple[RailPlan, ...],
        outputs: tuple[RailPlan, ...],
        observers: Observers,
        observer_plans: tuple[ObserverPlan, ...],
    ) -> Composition:
        return Composition(
            config=config,
            registry=self._registry,
            models=self._models.built,
            input_rails=inputs,
            output_rails=outputs,
            counter=self._counter,
            registrations=self._registrations,
            inner_rails=self._inner_rails,
            asked=tuple(self._models.asked),
            observers=observers,
            observer_plans=observer_plans,
            shared=self._shared,
        )

    def _with_own_refusal(self) -> RailsConfig:
        """Return the configuration with the refusal that its own files define, where its YAML has none."""
        if self._registrations.refusal is None:
            return self._config
        rails = self._config.rails
        own = {
            direction: section.model_copy(update={"refusal": self._registrations.refusal})
            for direction, section in (("input", rails.input), ("output", rails.output))
            if "refusal" not in section.model_fields_set
        }
        return self._config.model_copy(update={"rails": rails.model_copy(update=own)})

    def _build_rails(self, direction: Direction) -> Iterable[RailPlan]:
        flows = self._config.input_flows if direction == "input" else self._config.output_flows
        for index, flow in enumerate(flows):
            try:
                yield self._build_offered(self._registry.rail(flow.name), flow, direction)
            except ModelNotBuiltError:
                continue
            except HandrailError as exc:
                self.problems.note(exc, self._config.where("rails", direction, "flows", index))

    def _cascaded(self, plans: tuple[RailPlan, ...]) -> tuple[RailPlan, ...]:
        if self.problems.are_there:  # a rail that could not be built would be told again as absent
            return plans

        def note(plan: RailPlan, error: HandrailError) -> None:
            self.problems.note(error, self._config.where("rails", "config", str(plan.key), "when"))

        return cascaded(plans, [self._whens.get(id(plan)) for plan in plans], note)

    def _build_observers(self) -> Iterable[ObserverPlan]:
        for name, given in self._config.observers.items():
            try:
                offer = self._registry.observer(name)
                settings = plugin_settings(self._config, offer, given, None, "observers", name)
                context = ObserverContext(name, self._config, self._rail_of_observer)
                observer = built(offer, settings, context)
                if fault := never_awaited(observer):
                    raise PluginContractError(f"{offer.label}: {fault}", plugin=offer.label)
                yield ObserverPlan(name, offer.label, observer)
            except HandrailError as exc:
                self.problems.note(exc, self._config.where("observers", name))

    def _rail_of_observer(self, name: str) -> InnerRail | None:
        plan = self._inner_plan(name, "output")
        return None if plan is None else InnerRail.of_observer(plan)

    def _inner_rail(self, name: str, direction: Direction) -> InnerRail | None:
        plan = self._inner_plan(name, direction)
        return None if plan is None else InnerRail.of(plan)

    def _inner_plan(self, name: str, direction: Direction) -> RailPlan | None:
        installed = self._registry.installed
        if name not in installed.names(RailSpec):
            return None
        offer = installed.rail(name)
        suited = direction if direction in offer.spec.directions else offer.spec.directions[0]
        plan = self._build_offered(offer, Flow.parse(name), suited, here=True)
        self._inner_rails.append(plan)
        return plan

    def _build_offered(
        self, offer: Offer[RailSpec], flow: Flow, direction: Direction, *, here: bool = False
    ) -> RailPlan:
        """Build a rail; `here` for one that is not to run elsewhere, whatever its options say."""
        spec = offer.spec
        if direction not in spec.directions:
            raise InvalidRailsConfigurationError(
                f"rail {flow.name!r} is for {' and '.join(spec.directions)}, not for {direction}"
            )
        for task in spec.prompts:
            self._config.prompt(task)
        keys = (self._config.rail_key(name, spec.config_key) for name in (flow.name, spec.name))
        key = next(filter(None, keys), None)
        fields = getattr(offer.load_settings(), "model_fields", {})
        options, own = self._config.rail_options(key or flow.name, fields=fields)
        settings = plugin_settings(self._config, offer, own, RailOptions, "rails", "config", key or spec.name)
        context = self._context(flow, direction)
        rail_id = RailId(flow.name, flow.arguments, " ".join(flow.text.split()))
        if options.place is None or here:
            rail, label = built(offer, settings, context), offer.label
        else:
            rail, label = placed(self._registry, offer, options, context, rail_id.text, key or spec.name)
        named = replace(spec, name=flow.name)
        plan = self._planner.plan(named, label, rail, options, key, direction, rail_id=rail_id)
        self._whens[id(plan)] = options.when
        return plan

    def _context(self, flow: Flow, direction: Direction) -> RailContext:
        return RailContext(
            flow.name,
            direction,
            self._config,
            self._counter.count,
            flow.arguments,
            self._registrations,
            partial(self._models.model_for, flow.text.strip()),
            self._inner_rail,
            _shared=self._shared,
        )

    def _refuse_wrong_streaming(self) -> None:
        """A misspelt key of `streaming` is an error also where no window rail reads it."""
        try:
            self._planner.check_streaming()
        except HandrailError as exc:
            self.problems.note(exc, self._config.where("rails", "output", "streaming"))
