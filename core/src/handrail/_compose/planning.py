"""Plans one rail: everything that the engine must know of it, and the strategy that cuts its text into windows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from handrail._compose.building import built
from handrail._nearest import did_you_mean
from handrail._records import RailId
from handrail._stream.batcher import BatchedRail
from handrail._stream.plan import READ_BY_ALL, RailPlan
from handrail._stream.strategies import Whole
from handrail.config import RailOptions, StreamingConfig
from handrail.config._streaming import SIZES
from handrail.errors import InvalidRailsConfigurationError, PluginLoadError

if TYPE_CHECKING:
    from handrail._plugins.registry import Offer, Registry
    from handrail._protocols import Strategy
    from handrail._specs import Direction, RailSpec, StrategySpec
    from handrail._tokens import TokenCounter
    from handrail.config import RailsConfig


@dataclass(frozen=True, slots=True)
class _Cut:
    """How a rail's text is cut into windows, if it is."""

    make: Callable[[], Strategy] | None = None
    plugin: str = ""
    strategy: str = ""
    sizes: Mapping[str, Any] = field(default_factory=dict)


class RailPlanner:
    """Plans the rails of one configuration."""

    def __init__(self, config: RailsConfig, registry: Registry, counter: TokenCounter) -> None:
        self._config = config
        self._registry = registry
        self._counter = counter

    def plan(
        self,
        spec: RailSpec,
        plugin: str,
        rail: Any,
        options: RailOptions,
        key: str | None,
        direction: Direction,
        *,
        rail_id: RailId | None = None,
    ) -> RailPlan:
        """Return a rail with everything that the engine must know of it."""
        declared = _declared(spec, plugin, self._asked(spec, plugin, rail), direction, rail_id)
        if declared.is_stream_rail and options.threshold is not None:
            raise InvalidRailsConfigurationError(
                f"rail {spec.name!r} reads the stream and decides as it does, so 'threshold' is not supported; "
                "remove it"
            )
        cut = _Cut() if declared.is_stream_rail else self._cut(spec, options, key)
        observes = options.mode == "observe"
        may_go_first = not (observes or spec.whole or declared.is_stream_rail)
        return replace(
            declared,
            channels=options.channels or declared.channels,
            make_strategy=cut.make,
            strategy_plugin=cut.plugin,
            strategy=cut.strategy,
            sizes=cut.sizes,
            key=key,
            stream_first=may_go_first and self._config.rail_streaming(options).stream_first,
            max_concurrency=1 if spec.stateful else options.max_concurrency,
            timeout=options.timeout,
            allow_on_error=options.on_error == "allow",
            allow_on_timeout=options.resolved_on_timeout == "allow",
            threshold=options.threshold,
            observes=observes,
        )

    def check_streaming(self) -> None:
        """Look at the keys of `rails.output.streaming` that are for its strategy, also where no rail uses it.

        Raises:
            HandrailError: one of them is wrong, or the strategy is not there.
        """
        streaming = self._config.rails.output.streaming
        if streaming.strategy_settings:
            self._strategy(streaming, RailOptions(), None)

    def _asked(self, spec: RailSpec, plugin: str, rail: Any) -> Any:
        """Return what is asked about texts: the rail itself, or what asks it in batches."""
        if callable(getattr(rail, "open", None)):
            return rail
        told = f"{plugin}: rail {spec.name!r} is {type(rail).__name__}"
        if spec.stateful:
            raise PluginLoadError(f"{told}, and stateful; it must have open(turn)", plugin=plugin)
        if callable(getattr(rail, "check_batch", None)):
            return BatchedRail(rail, self._counter.count, spec.name)
        if not callable(getattr(rail, "check", None)):
            methods = "check(window, turn), check_batch(windows, turns) or open(turn)"
            raise PluginLoadError(f"{told}; it must have {methods}", plugin=plugin)
        return rail

    def _cut(self, spec: RailSpec, options: RailOptions, key: str | None) -> _Cut:
        if not spec.whole:
            return self._strategy(self._config.rail_streaming(options), options, key)
        if options.streaming is not None:
            raise InvalidRailsConfigurationError(
                f"rail {spec.name!r} checks whole texts only, so 'streaming' cannot be set for it; remove it"
            )
        return _Cut(Whole)

    def _strategy(self, streaming: StreamingConfig, options: RailOptions, key: str | None) -> _Cut:
        offer = self._registry.strategy(streaming.strategy)
        own = options.streaming is not None and key is not None
        path = ("rails", "config", str(key), "streaming") if own else ("rails", "output", "streaming")
        settings: object = streaming
        sizes = _sizes(streaming)
        if offer.spec.settings is not None:
            named_here = (options.streaming or {}) if own else self._config.rails.output.streaming.model_fields_set
            if "strategy" in named_here:
                self._refuse_sizes(offer, named_here, path)
            settings = plugin_settings(self._config, offer, streaming.strategy_settings, StreamingConfig, *path)
            given = dict(settings) if isinstance(settings, BaseModel) else streaming.strategy_settings
            sizes = {key: value for key, value in given.items() if value not in (None, (), [], {})}
        elif streaming.strategy_settings:
            key = next(iter(streaming.strategy_settings))
            known = type(streaming).model_fields
            raise InvalidRailsConfigurationError(
                f"{self._place(*path, key)}unknown key {key!r} in {'.'.join(path)}; strategy {streaming.strategy!r} "
                f"takes none of its own, and the kernel's are {', '.join(known)}{did_you_mean(key, known)}"
            )
        built(offer, settings, self._counter.count)  # so that one which cannot be is known before a stream needs it
        make = cast("Callable[[object, object], Strategy]", offer.load())
        factory = partial(make, settings, self._counter.count)
        return _Cut(factory, offer.plugin.label, streaming.strategy, sizes)

    def _refuse_sizes(self, offer: Offer[StrategySpec], named: Collection[str], path: tuple[str, ...]) -> None:
        """A strategy with settings of its own does not read the kernel's sizes, so nobody must rely on them."""
        model = cast("type[BaseModel]", offer.load_settings())
        for key in SIZES:
            if key in named and key not in model.model_fields:
                raise InvalidRailsConfigurationError(
                    f"{self._place(*path, key)}{'.'.join((*path, key))} has no effect with strategy "
                    f"{offer.spec.name!r}, whose settings are {', '.join(model.model_fields)}; remove it"
                )

    def _place(self, *path: str) -> str:
        where = self._config.where(*path)
        return f"{where}: " if where else ""


def plugin_settings(
    config: RailsConfig,
    offer: Offer[Any],
    values: Mapping[str, object],
    kernel: type[BaseModel] | None,
    *path: str | int,
) -> object:
    """Validate a plugin's settings; `kernel` has the keys that are valid beside them."""
    model = offer.load_settings()
    if model is None:
        return dict(values)
    return config.validate_settings(model, values, *path, also=kernel.model_fields if kernel else ())


def _declared(spec: RailSpec, plugin: str, rail: Any, direction: Direction, rail_id: RailId | None) -> RailPlan:
    """Return a rail's plan as far as the rail itself declares it, before the configuration says anything."""
    return RailPlan(
        spec.name,
        plugin,
        rail,
        direction,
        spec.channels or READ_BY_ALL,
        reads_raw=spec.whole,
        rewrites=spec.rewrites is not False,
        defers=spec.rewrites == "whole" and not spec.whole,
        rewrites_whole=spec.rewrites == "whole",
        rail_id=rail_id or RailId(spec.name),
        is_stateful=spec.stateful,
    )


def _sizes(streaming: StreamingConfig) -> dict[str, Any]:
    return {
        "chunk_size": streaming.chunk_size,
        "context_size": streaming.context_size,
        "hold_size": streaming.resolved_hold_size,
        "first_chunk_size": streaming.resolved_first_chunk_size,
    }
