"""The models of a configuration: built once, and asked for by rails, by type."""

from __future__ import annotations

from inspect import getattr_static, isfunction
from typing import TYPE_CHECKING, cast

from handrail._compose.breaking import Breaker, Slots
from handrail._compose.building import built
from handrail._compose.contexts import ProviderContext
from handrail._compose.model import Model
from handrail._compose.planning import plugin_settings
from handrail._nearest import did_you_mean
from handrail.errors import ConfigurationError, HandrailError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail._compose.problems import Problems
    from handrail._compose.shared import Shared
    from handrail._plugins.registry import Registry
    from handrail._prices import Price
    from handrail._protocols import Provider
    from handrail._tokens import TokenCounter
    from handrail.config import ModelConfig, RailsConfig


class ModelNotBuiltError(HandrailError):
    """A rail needs a model that is configured and has a problem of its own, which is noted already."""


def given_model(llm: object, counter: TokenCounter, prices: Mapping[str, Price]) -> Model:
    """Make the main model of a provider that a program hands in.

    Raises:
        ConfigurationError: it is not a provider.
    """
    if isinstance(llm, type) and isfunction(getattr_static(llm, "stream", None)):
        raise ConfigurationError(f"llm is the class {llm.__name__!r}; pass an object of it: llm={llm.__name__}(...)")
    if not callable(getattr(llm, "stream", None)):
        raise ConfigurationError(
            f"llm is {type(llm).__name__!r}; it must have stream(messages, params), which yields Chunk objects"
        )
    name = str(getattr(llm, "name", None) or type(llm).__name__)
    return Model(
        cast("Provider", llm), type="main", engine="given", name=name, plugin="llm", counter=counter, prices=prices
    )


class Models:
    """Models by type, as they are built and asked for.

    Args:
        config: the configuration.
        counter: counts tokens where a provider does not report them.
        shared: what providers share.

    Attributes:
        built: models by type.
        asked: the rail's flow and the type of each model that a rail has asked for, in order.
    """

    def __init__(self, config: RailsConfig, counter: TokenCounter, shared: Shared) -> None:
        self._shared = shared
        self._config = config
        self._counter = counter
        self._prices = config.prices.by_model()
        self._failed: set[str] = set()
        self.built: dict[str, Model] = {}
        self.asked: dict[tuple[str, str], None] = {}

    def build(self, registry: Registry, llm: object, problems: Problems) -> None:
        """Build every model that is configured; of two of one type the first. `llm` takes the main one's place."""
        if llm is not None:
            self.built["main"] = given_model(llm, self._counter, self._prices)
        entries: dict[str, tuple[ModelConfig, int]] = {}
        for index, entry in enumerate(self._config.models):
            if entry.type in self.built:
                continue
            try:
                self.built[entry.type] = self._model(registry, entry, index)
                entries[entry.type] = entry, index
            except HandrailError as exc:
                self._failed.add(entry.type)
                where = self._config.where("models", index, "engine") or self._config.where("models", index)
                problems.note(exc, where)
        for entry, index in entries.values():
            self._find_fallback(entry, index, problems)

    def model_for(self, rail: str, type_: str) -> Model:
        """Return the model of a type, else the main one, and note which rail has asked for it.

        Raises:
            ModelNotBuiltError: it has a problem, which is noted.
            ConfigurationError: there is neither.
        """
        self.asked[rail, type_] = None
        if type_ in self._failed:
            raise ModelNotBuiltError(f"model {type_!r} could not be built")
        model = self.built.get(type_) or self.built.get("main")
        if model is None and "main" in self._failed:
            raise ModelNotBuiltError("model 'main' could not be built")
        if model is None:
            raise ConfigurationError(
                f"no model of type {type_!r} and none of type 'main' is configured; add one to 'models'"
            )
        return model

    def _find_fallback(self, entry: ModelConfig, index: int, problems: Problems) -> None:
        """Connect a model with those that take its place, or note which of them does not exist."""
        found: list[Model] = []
        for type_ in entry.fallback:
            if type_ in self.built and type_ != entry.type:
                found.append(self.built[type_])
            elif type_ not in self._failed:
                known = sorted({other.type for other in self._config.models} - {entry.type})
                problem = ConfigurationError(
                    f"fallback of the model {entry.type!r} names {type_!r}, which is not another model of the "
                    f"configuration; models: {', '.join(map(repr, known)) or 'none'}{did_you_mean(type_, known)}"
                )
                problems.note(problem, self._config.where("models", index, "fallback"))
        self.built[entry.type].fallback = tuple(found)

    def _model(self, registry: Registry, entry: ModelConfig, index: int) -> Model:
        offer = registry.provider(entry.engine)
        settings = plugin_settings(self._config, offer, entry.parameters, None, "models", index, "parameters")
        context = ProviderContext(entry, self._config, self._config.folder_of("models", index), _shared=self._shared)
        model = Model(
            cast("Provider", built(offer, settings, context)),
            type=entry.type,
            engine=entry.engine,
            name=entry.model or "",
            plugin=offer.label,
            counter=self._counter,
            prices=self._prices,
        )
        model.slots = None if entry.concurrency is None else Slots(entry.concurrency)
        model.breaker = None if entry.breaker is None else Breaker(entry.breaker, entry.type)
        return model
