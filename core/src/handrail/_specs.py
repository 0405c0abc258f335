"""What a plugin registers: a name, where the object behind it is found, and what is known without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from handrail._types import Channel

Direction: TypeAlias = Literal["input", "output"]
DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """An engine: a way to reach language models.

    Attributes:
        name: what a configuration writes as `engine`.
        target: `"package.module:Attribute"`, imported when a configuration names the engine, or the object itself.
            Called as `target(settings, context)` with a `ProviderContext`, once per configured model.
        settings: a pydantic model that validates the model's `parameters`, as `"package.module:Attribute"` or
            itself; without one they are passed as a plain dict.
        summary: one line for `handrail plugins`.
        aliases: further names of the engine.
        defined_at: where a configuration defines it; only what `handrail_config_providers` yields has one.
    """

    name: str
    target: str | object
    settings: str | type | None = None
    summary: str = ""
    aliases: tuple[str, ...] = ()
    defined_at: str = ""


@dataclass(frozen=True, slots=True)
class RailSpec:
    """A rail.

    Attributes:
        name: what a configuration writes in a list of flows.
        target: `"package.module:Attribute"`, imported when a configuration names the rail, or the object itself.
            Called as `target(settings, context)` with a `RailContext`, once per flow of a configuration.
        settings: a pydantic model that validates `rails.config.<name>`; without one a plain dict is passed.
        directions: which lists of flows may name the rail.
        summary: one line for `handrail plugins`.
        aliases: further names of the flow, such as those of configurations written for other systems.
        config_key: the key under `rails.config`, if it is not the name.
        prompts: tasks whose prompt the configuration must have when it names the rail.
        channels: what of an answer the rail is shown, unless `rails.config.<name>.channels` says otherwise; None for
            all that a reader can act on, which is the text and the arguments of tool calls.
        whole: True for a window rail that can judge nothing but a whole text, such as the arguments of a tool call.
            It gets one window of everything, and what it is shown waits for it whatever `streaming` says. Arguments
            it is shown as the JSON that they are written in; other rails see what they say.
        rewrites: False for a window rail that never asks for an edit, so that rails after it need not expect one; one
            that does all the same has failed. "whole" for one that makes another text of what it is shown, by
            `rewritten(window, text)`: it judges windows until it first changes one; from there on the rest is held to
            the end, and then the rail is asked about the whole text.
        stateful: True for a window rail that has `open(turn)` in place of `check`: what that returns judges the windows
            of one stream by `async check(window)`, one after another, and may keep what it has seen.
        defined_at: where a configuration defines it, such as `config/rails.co:3`; only what `handrail_config_rails`
            yields has one, and nothing takes the place of an installed rail without.
    """

    name: str
    target: str | object
    settings: str | type | None = None
    directions: tuple[Direction, ...] = ("input", "output")
    summary: str = ""
    aliases: tuple[str, ...] = ()
    config_key: str | None = None
    prompts: tuple[str, ...] = ()
    channels: tuple[Channel, ...] | None = None
    whole: bool = False
    rewrites: Literal[True, False, "whole"] = True
    defined_at: str = ""
    stateful: bool = False

    def __post_init__(self) -> None:
        """Take one direction or channel for a tuple of it: `("output")` is an easy slip, and has always worked."""
        for name in ("directions", "channels"):
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, (value,))


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """A streaming strategy: how a stream is cut into windows.

    Attributes:
        name: what a configuration writes as `rails.output.streaming.strategy`.
        target: `"package.module:Attribute"` or the object itself, called as `target(settings, count_tokens)`, once
            per rail and stream.
        settings: a pydantic model that validates the keys of `streaming` which the kernel does not know itself.
        summary: one line for `handrail plugins`.
    """

    name: str
    target: str | object
    settings: str | type | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A subcommand of `handrail`.

    Attributes:
        name: the word after `handrail`.
        target: `"package.module:Attribute"` of a function (or a cyclopts App) that the command line turns into a
            command by its signature and docstring.
        summary: one line for `handrail --help`.
    """

    name: str
    target: str | object
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ObserverSpec:
    """Something that is told what happens in calls.

    Attributes:
        name: what a configuration writes under `observers`.
        target: `"package.module:Attribute"`, imported when a configuration names the observer, or the object itself.
            Called as `target(settings, context)` with an `ObserverContext`, once per configuration.
        settings: a pydantic model that validates `observers.<name>`; without one a plain dict is passed.
        summary: one line for `handrail plugins`.
    """

    name: str
    target: str | object
    settings: str | type | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class PlacementSpec:
    """A way to run a rail elsewhere than in the process that guards.

    Attributes:
        name: what a configuration writes under `rails.config.<rail>.place`.
        target: `"package.module:Attribute"`, imported when a configuration names the placement, or the object itself.
            Called as `target(settings, context)` with a `PlacementContext`, once per flow whose rail is placed. What it
            returns asks the rail where that runs, and is used in the rail's place: it has `async def check(window,
            turn)`, or `open(turn)` where the rail is stateful.
        settings: a pydantic model that validates the placement's settings; without one a plain dict is passed.
        summary: one line for `handrail plugins`.
    """

    name: str
    target: str | object
    settings: str | type | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class DialectSpec:
    """A protocol in which clients of a server ask for answers.

    Attributes:
        name: what people call it.
        target: `"package.module:Attribute"` of a class without arguments, or an object, with the interface that the
            server publishes; the kernel knows nothing of it.
        summary: one line for `handrail plugins`.
    """

    name: str
    target: str | object
    summary: str = ""


Spec: TypeAlias = ProviderSpec | RailSpec | StrategySpec | CommandSpec | ObserverSpec | PlacementSpec | DialectSpec
"""Whatever a plugin may register."""
