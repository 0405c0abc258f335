"""A configuration with everything that it names, built once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from handrail import _telling as telling
from handrail._compose import kept_verdicts as verdicts
from handrail._compose import shared as sharing
from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from handrail._compose.kept_verdicts import KeptVerdicts as _KeptVerdicts  # the kernel's own
    from handrail._compose.model import Model
    from handrail._compose.shared import Shared as _Shared  # the kernel's own
    from handrail._plugins.registrations import Registrations
    from handrail._plugins.registry import Registry
    from handrail._stream.plan import RailPlan
    from handrail._telling import Observers as _Observers  # the kernel's own
    from handrail._tokens import TokenCounter
    from handrail._types import Channel
    from handrail.config import RailsConfig


@dataclass(frozen=True, slots=True)
class ObserverPlan:
    """One observer that the configuration names.

    Attributes:
        name: its name in the configuration.
        plugin: distribution and version behind it.
        observer: what is told.
    """

    name: str
    plugin: str
    observer: object


@dataclass(frozen=True, slots=True, repr=False)
class Composition:
    """A configuration with everything that it names, built.

    Attributes:
        input_rails: those of the user's message, which is always whole.
        output_rails: those of an answer as it streams.
        whole_output_rails: the same for an answer that is whole before they see it.
        inner_rails: those that other rails ask; it grows if they ask later.
        asked: which rail asks for a model of which type; models by type, and a type that is not there means the main
            one.
        observers: who is told what happens in calls.
        observer_plans: those of them that the configuration names.
        shared: what its rails and providers share.
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
    observers: _Observers = field(default_factory=telling.Observers, compare=False)
    observer_plans: tuple[ObserverPlan, ...] = ()
    shared: _Shared = field(default_factory=sharing.Shared, compare=False)
    kept_verdicts: _KeptVerdicts = field(default_factory=verdicts.KeptVerdicts, compare=False)
    whole_output_rails: tuple[RailPlan, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("input_rails", "output_rails"):
            rails = getattr(self, name)
            fits = isinstance(rails, tuple) and all(hasattr(rail, "for_whole_text") for rail in rails)
            InvalidArgumentError.unless(fits, name, rails, "a tuple of RailPlans")
        object.__setattr__(self, "whole_output_rails", tuple(plan.for_whole_text() for plan in self.output_rails))

    def __repr__(self) -> str:
        return f"<Composition {self.summary}>"

    @property
    def summary(self) -> str:
        """Its models and rails, in a line."""
        parts = {
            "models": [f"{model.type} {model.engine}/{model.name}".rstrip("/") for model in self.models.values()],
            "input rails": [plan.name for plan in self.input_rails],
            "output rails": [plan.name for plan in self.output_rails],
        }
        return "; ".join(f"{part}: {', '.join(names) or 'none'}" for part, names in parts.items())

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
        return replace(self, models={**self.models, "main": model}, kept_verdicts=verdicts.KeptVerdicts())

    async def aclose(self) -> None:
        """Close rails, providers and observers, and then what they share.

        Raises:
            Exception: what the last of them raised that failed to close; the others are closed all the same.
        """
        rails = (plan.rail for plan in (*self.inner_rails, *self.input_rails, *self.output_rails))
        providers = (model.provider for model in self.models.values())
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.shared.aclose)
            for owned in (*self.observers.members, *providers, *rails):
                if (close := getattr(owned, "aclose", None)) is not None:
                    stack.push_async_callback(close)
