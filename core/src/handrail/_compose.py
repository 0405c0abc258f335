"""Composes a configuration with what is installed: loads what it names, validates settings, builds everything once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from handrail._actions import Registrations
from handrail._contexts import ProviderContext, RailContext
from handrail._functions import FunctionRail, RailFunction
from handrail._inner import InnerRail
from handrail._kept_verdicts import KeptVerdicts
from handrail._model import Model
from handrail._planning import RailPlanner, plugin_settings
from handrail._records import RailId
from handrail._specs import RailSpec
from handrail._stream.plan import RailPlan
from handrail._tokens import TokenCounter, token_counter
from handrail.config import Flow, RailOptions, normalized_name
from handrail.errors import (
    ConfigurationError,
    HandrailError,
    InvalidRailsConfigurationError,
    PluginConflictError,
    PluginLoadError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail._protocols import Provider
    from handrail._registry import Offer, Registry
    from handrail._specs import Direction
    from handrail._types import Channel
    from handrail.config import ModelConfig, RailsConfig

_PLACE = re.compile(r"[^\n]+?:\d+:\d+: ")
_DIRECTIONS: tuple[Direction, Direction] = ("input", "output")


@dataclass(frozen=True, slots=True)
class Composition:
    """A configuration with everything that it names, built.

    Attributes:
        input_rails: those of the user's message, which is always whole.
        output_rails: those of an answer as it streams.
        whole_output_rails: the same for an answer that is whole before they see it.
        inner_rails: those that other rails ask; it grows if they ask later.
        asked: which rail asks for a model of which type; models by type, and a type that is not there means the main
            one.
        kept_verdicts: what input rails have said of messages that are history by now.
    """

    config: RailsConfig
    registry: Registry
    models: Mapping[str, Model]
    input_rails: tuple[RailPlan, ...]
    output_rails: tuple[RailPlan, ...]
    counter: TokenCounter
    registrations: Registrations
    inner_rails: Sequence[RailPlan] = ()
    asked: Sequence[tuple[str, str]] = ()
    kept_verdicts: KeptVerdicts = field(default_factory=KeptVerdicts, repr=False, compare=False)
    whole_output_rails: tuple[RailPlan, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole_output_rails", tuple(plan.for_whole_text() for plan in self.output_rails))

    @property
    def withheld(self) -> frozenset[Channel]:
        """Channels that strangers are not to be given, because rails guard the answer and none of them guards these."""
        delivered = self.config.rails.output.deliver_unguarded
        guards = any(not plan.observes for plan in self.output_rails)
        if not guards or "reasoning" in delivered or self.guards["reasoning"]:
            return frozenset()
        return frozenset(("reasoning",))

    @property
    def guards(self) -> Mapping[Channel, tuple[RailPlan, ...]]:
        """The output rails that guard each channel; one that only observes guards nothing."""
        enforcing = [plan for plan in self.output_rails if not plan.observes]
        channels: tuple[Channel, ...] = ("text", "tool_calls", "reasoning")
        return {channel: tuple(plan for plan in enforcing if channel in plan.channels) for channel in channels}

    def with_rail(self, plan: RailPlan) -> Composition:
        """Return the same with one more rail, after the others of its direction."""
        if plan.direction == "input":
            return replace(self, input_rails=(*self.input_rails, plan.for_message()))
        return replace(self, output_rails=(*self.output_rails, plan))

    def with_main_model(self, model: Model) -> Composition:
        """Return the same with another main model."""
        return replace(self, models={**self.models, "main": model}, kept_verdicts=KeptVerdicts())


def given_model(llm: object, counter: TokenCounter) -> Model:
    """Make the main model of a provider that a program hands in.

    Raises:
        ConfigurationError: it is no provider.
    """
    if not callable(getattr(llm, "stream", None)):
        raise ConfigurationError(
            f"llm is {type(llm).__name__!r}; it must have stream(messages, params), which gives Chunk objects"
        )
    name = str(getattr(llm, "name", None) or type(llm).__name__)
    return Model(cast("Provider", llm), type="main", engine="given", name=name, plugin="llm", counter=counter)


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
        ConfigurationError: an option is wrong.
    """
    options = app.config.validate_settings(RailOptions, given, "options")
    planner = RailPlanner(app.config, app.registry, app.counter)
    spec = RailSpec(name, function, rewrites=False if rewrites is False else "whole", whole=rewrites is True)
    rail = FunctionRail(name, function, rewrites=rewrites is not False)
    return planner.plan(spec, "register_rail", rail, options, None, direction)


def compose(config: RailsConfig, registry: Registry, llm: object = None) -> Composition:
    """Build a configuration.

    Args:
        config: what to build.
        registry: what is installed.
        llm: a provider that takes the place of the configured main model.

    Raises:
        ConfigurationError: something it names is missing or wrong; each problem is a line of `problems`.
    """
    composer = _Composer(config, registry, llm)
    try:
        composition = composer.compose()
    except HandrailError as exc:  # what could not even be looked at because of another problem
        composer.note(exc, "")
        composition = None
    composer.raise_problems()
    return cast("Composition", composition)


class _ModelNotBuiltError(HandrailError):
    """A rail needs a model that is configured and has a problem of its own, which is noted already."""


class _Composer:
    def __init__(self, config: RailsConfig, registry: Registry, llm: object) -> None:
        self._config = config
        self._registry = registry
        self._registrations = Registrations()
        main = config.model_for("main")
        self._counter = token_counter((main and main.model) or "")
        self._llm = llm
        self._models: dict[str, Model] = {}
        self._failed_models: set[str] = set()
        self._inner_rails: list[RailPlan] = []
        self._asked: dict[tuple[str, str], None] = {}  # a rail's name, and the type of the model that it asks for
        self._problems: list[tuple[str, HandrailError]] = []

    def compose(self) -> Composition:
        self._registry = self._registry.for_config(self._config, self._registrations)
        self._planner = RailPlanner(self._config, self._registry, self._counter)
        self._refuse_unserved()
        self._build_models()
        rails = {direction: tuple(self._build_rails(direction)) for direction in _DIRECTIONS}
        self._refuse_unused_settings(rails)
        self._refuse_wrong_streaming()
        self._refuse_misspelt_models()
        return Composition(
            self._with_own_refusal(),
            self._registry,
            self._models,
            tuple(plan.for_message() for plan in rails["input"]),
            rails["output"],
            self._counter,
            self._registrations,
            self._inner_rails,
            tuple(self._asked),
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

    def note(self, error: HandrailError, where: str) -> None:
        """Keep a problem, so that all of them are reported at once."""
        self._problems.append((where, error))

    def raise_problems(self) -> None:
        if not self._problems:
            return
        lines = tuple(dict.fromkeys(line for where, error in self._problems for line in _lines(where, error)))
        first = self._problems[0][1]
        if len(lines) == 1 and isinstance(first, PluginConflictError):
            raise PluginConflictError(lines[0], plugin=first.plugin) from first
        if len(lines) == 1 and not isinstance(first, ConfigurationError):
            raise first
        rails = any(isinstance(error, InvalidRailsConfigurationError) for _, error in self._problems)
        kind = InvalidRailsConfigurationError if rails else ConfigurationError
        raise kind("\n".join(lines), problems=lines) from first

    def _refuse_unserved(self) -> None:
        if any(plugin.config_rails is not None for plugin in self._registry.plugins):
            return
        files = [str(file) for file in (*self._config.colang_files, *self._config.action_files)]
        if files or self._config.colang_content:
            found = ", ".join(files) or "colang_content"
            self.note(
                InvalidRailsConfigurationError(
                    f"the configuration has rails in Colang or custom actions ({found}), "
                    f"which no installed plugin can run: pip install handrail-colang"
                ),
                "",
            )

    def _build_models(self) -> None:
        if self._llm is not None:
            self._models["main"] = given_model(self._llm, self._counter)
        for index, entry in enumerate(self._config.models):
            if entry.type in self._models:
                continue
            with_place = ("models", index)
            try:
                self._models[entry.type] = self._build_model(entry, index)
            except HandrailError as exc:
                self._failed_models.add(entry.type)
                self.note(exc, self._config.where(*with_place, "engine") or self._config.where(*with_place))

    def _build_model(self, entry: ModelConfig, index: int) -> Model:
        offer = self._registry.provider(entry.engine)
        settings = plugin_settings(self._config, offer, entry.parameters, None, "models", index, "parameters")
        context = ProviderContext(entry, self._config, self._config.folder_of("models", index))
        provider = _built(offer, settings, context)
        return Model(
            cast("Provider", provider),
            type=entry.type,
            engine=entry.engine,
            name=entry.model or "",
            plugin=offer.label,
            counter=self._counter,
        )

    def _build_rails(self, direction: Direction) -> Iterable[RailPlan]:
        flows = self._config.input_flows if direction == "input" else self._config.output_flows
        for index, flow in enumerate(flows):
            try:
                yield self._build_rail(flow, direction)
            except _ModelNotBuiltError:
                continue
            except HandrailError as exc:
                self.note(exc, self._config.where("rails", direction, "flows", index))

    def _build_rail(self, flow: Flow, direction: Direction) -> RailPlan:
        return self._build_offered(self._registry.rail(flow.name), flow, direction)

    def _inner_rail(self, name: str, direction: Direction) -> InnerRail | None:
        installed = self._registry.installed
        if name not in installed.names(RailSpec):
            return None
        offer = installed.rail(name)
        suited = direction if direction in offer.spec.directions else offer.spec.directions[0]
        plan = self._build_offered(offer, Flow.parse(name), suited)
        self._inner_rails.append(plan)
        return InnerRail.of(plan)

    def _build_offered(self, offer: Offer[RailSpec], flow: Flow, direction: Direction) -> RailPlan:
        spec = offer.spec
        if direction not in spec.directions:
            raise InvalidRailsConfigurationError(
                f"rail {flow.name!r} is for {' and '.join(spec.directions)}, not for {direction}"
            )
        for task in spec.prompts:
            self._config.prompt(task)
        key = next(
            filter(None, (self._config.rail_key(name, spec.config_key) for name in (flow.name, spec.name))), None
        )
        model = offer.load_settings()
        fields = getattr(model, "model_fields", {})
        options, own = self._config.rail_options(key or flow.name, fields=fields)
        settings = plugin_settings(self._config, offer, own, RailOptions, "rails", "config", key or spec.name)
        context = RailContext(
            flow.name,
            direction,
            self._config,
            self._counter.count,
            flow.arguments,
            self._registrations,
            partial(self._model_for, flow.text.strip()),
            self._inner_rail,
        )
        rail = _built(offer, settings, context)
        rail_id = RailId(flow.name, flow.arguments, " ".join(flow.text.split()))
        named = replace(spec, name=flow.name)
        return self._planner.plan(named, offer.label, rail, options, key, direction, rail_id=rail_id)

    def _model_for(self, rail: str, type_: str) -> Model:
        self._asked[rail, type_] = None
        if type_ in self._failed_models:
            raise _ModelNotBuiltError(f"model {type_!r} could not be built")
        model = self._models.get(type_) or self._models.get("main")
        if model is None and "main" in self._failed_models:
            raise _ModelNotBuiltError("model 'main' could not be built")
        if model is None:
            raise ConfigurationError(
                f"no model of type {type_!r} and none of type 'main' is configured; add one to 'models'"
            )
        return model

    def _refuse_unused_settings(self, rails: Mapping[Direction, tuple[RailPlan, ...]]) -> None:
        """A misspelt key under `rails.config` would silently leave a rail without its settings."""
        used = {normalized_name(plan.name) for plans in rails.values() for plan in plans}
        known = {normalized_name(name) for name in self._rail_keys()}
        for key in self._config.rails.config:
            if normalized_name(key) not in used | known:
                self.note(
                    InvalidRailsConfigurationError(
                        f"rails.config.{key} belongs to no installed rail; rails: {', '.join(self._rail_names())}"
                    ),
                    self._config.where("rails", "config", key),
                )

    def _refuse_misspelt_models(self) -> None:
        """A judge whose type is misspelt would never be asked, and the main model would judge itself."""
        known = {"main", *(type_ for _, type_ in self._asked), *self._usual_types()}
        idle = [entry.type for entry in self._config.models if entry.type not in known]
        for rail, type_ in self._asked:
            nearest = get_close_matches(type_, idle, n=1, cutoff=0.75) if type_ not in self._models else []
            if nearest:
                index = next(n for n, entry in enumerate(self._config.models) if entry.type == nearest[0])
                self.note(
                    InvalidRailsConfigurationError(
                        f"nothing asks a model of type {nearest[0]!r}, and rail {rail!r} asks for {type_!r}, "
                        f"which is not configured; did you mean {type_!r}?"
                    ),
                    self._config.where("models", index, "type"),
                )

    def _refuse_wrong_streaming(self) -> None:
        """A misspelt key of `streaming` is an error also where no window rail reads it."""
        try:
            self._planner.check_streaming()
        except HandrailError as exc:
            self.note(exc, self._config.where("rails", "output", "streaming"))

    def _usual_types(self) -> Iterable[str]:
        """Yield the types of models that installed rails ask for, whether the configuration names them or not."""
        for name in self._rail_keys():
            yield name.replace(" ", "_")

    def _rail_names(self) -> list[str]:
        return self._registry.names(RailSpec)

    def _rail_keys(self) -> Iterable[str]:
        for name in self._rail_names():
            yield name
            try:
                spec = self._registry.rail(name).spec
            except HandrailError:  # offered twice, which matters only to a flow that names it
                continue
            yield spec.config_key or spec.name


def _lines(where: str, error: HandrailError) -> Iterable[str]:
    """Yield the problems of an error, each with its place; one that knows its own place keeps it."""
    if isinstance(error, ConfigurationError) and not isinstance(error, PluginConflictError):
        for problem in error.problems:
            placed = _PLACE.match(problem) or not where
            yield problem if placed else f"{where}: {problem}"
    else:
        yield f"{where}: {error}" if where else str(error)


def _built(offer: Offer[Any], settings: object, context: object) -> object:
    target = cast("Callable[[object, object], object]", offer.load())
    try:
        return target(settings, context)
    except HandrailError:
        raise
    except Exception as exc:
        raise PluginLoadError(
            f"{offer.plugin.label}: {offer.spec.name!r} could not be built: {type(exc).__name__}: {exc}",
            plugin=offer.plugin.label,
        ) from exc
