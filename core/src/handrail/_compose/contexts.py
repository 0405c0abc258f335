"""What the kernel hands to a plugin's constructor beside its settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from handrail._compose import shared as sharing
from handrail._plugins.registrations import Registrations
from handrail.errors import ConfigurationError

if TYPE_CHECKING:
    from handrail._compose.inner import InnerRail
    from handrail._compose.model import Model
    from handrail._compose.shared import Shared as _Shared  # the kernel's own
    from handrail._specs import Direction, RailSpec
    from handrail._types import CountTokens
    from handrail.config import ModelConfig, RailsConfig, TaskPrompt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Sharing:
    """What shares things with whoever else is of the same `LLMRails`."""

    _shared: _Shared = field(default_factory=sharing.Shared, repr=False, compare=False, kw_only=True)

    async def shared(self, key: Hashable, open: Callable[[], AbstractAsyncContextManager[T]]) -> T:  # noqa: A002  # the contract's own word
        """Return something that all of an `LLMRails` share on the running event loop, such as a pool of connections.

        Args:
            key: what it is; whoever asks with an equal key gets the same. It should begin with the plugin's name.
            open: makes an asynchronous context manager, which is entered at the first use in a loop, in a task of its
                own, and left when the `LLMRails` is closed, or its loop ends.

        Raises:
            Exception: what entering it raised; the next who asks tries again.
        """
        return await self._shared.get(key, open)


@dataclass(frozen=True, slots=True)
class ProviderContext(_Sharing):
    """What a provider is told about the model that it is to reach.

    Attributes:
        model: the model's entry in the configuration: `type`, `engine`, `model` (its name), `parameters`.
        config: the whole configuration.
        folder: the folder of the file in which the entry stands; None for the configuration's.
    """

    model: ModelConfig
    config: RailsConfig
    folder: Path | None = None

    @property
    def base_path(self) -> Path:
        """The folder against which relative paths in the entry are meant."""
        return self.folder or self.config.base_path

    def api_key(self, *usual_variables: str) -> str | None:
        """Read the key from the variable that the configuration names, else from one of the provider's usual ones.

        Raises:
            ConfigurationError: the configuration names a variable that is not set.
        """
        named = self.model.api_key_env_var
        for variable in (named,) if named else usual_variables:
            if key := os.environ.get(variable):
                return key
        if named:
            raise ConfigurationError(
                f"model {self.model.type!r} takes its key from the environment variable {named!r}, which is not set; "
                f"set it, or name another one in 'api_key_env_var'",
                code="missing-variable",
                subject=named,
                fix=f"export {named}=...",
            )
        return None


@dataclass(frozen=True, slots=True)
class ObserverContext:
    """What an observer is told about the configuration whose calls it is told of.

    Attributes:
        name: the observer's name.
        config: the whole configuration.
        rail: builds an installed rail, to ask it from inside the observer; None if none has this name. It judges also
            where its mode is `observe`, and its failures raise whatever `on_error` and `on_timeout` say.
    """

    name: str
    config: RailsConfig
    rail: Callable[[str], InnerRail | None] = field(default=lambda _: None, repr=False)

    @property
    def base_path(self) -> Path:
        """The folder of the configuration, against which relative paths in it are meant."""
        return self.config.base_path


@dataclass(frozen=True, slots=True)
class RailContext(_Sharing):
    """What a rail is told about the flow that names it.

    Attributes:
        name: the flow's name as the rail registered it.
        direction: the list of flows in which it stands, "input" or "output".
        config: the whole configuration.
        arguments: arguments of the flow: `toxicity check $level=high` gives `{"level": "high"}`.
        count_tokens: counts tokens as the kernel does.
        registrations: functions and values that the program registers, also after the rail is built.
    """

    name: str
    direction: Direction
    config: RailsConfig
    count_tokens: CountTokens
    arguments: Mapping[str, str] = field(default_factory=dict)
    registrations: Registrations = field(default_factory=Registrations)
    _models: Callable[[str], Model] | None = None
    _rails: Callable[[str, Direction], InnerRail | None] | None = None
    _tasks: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # what prompt and model a task stands for

    @property
    def base_path(self) -> Path:
        """The folder of the configuration, against which relative paths in it are meant."""
        return self.config.base_path

    def model(self, type: str = "main") -> Model:  # noqa: A002  # the configuration's own word
        """Return the model of this type; where none is configured, the main one.

        Raises:
            ConfigurationError: the configuration has neither.
        """
        if self._models is None:
            raise ConfigurationError(f"rail {self.name!r} asks for the model {type!r}, but runs without any models")
        return self._models(self._tasks.get(type, (type, type))[1])

    def rail(self, name: str) -> InnerRail | None:
        """Return an installed rail, to ask it from inside this one; None if none has this name.

        It judges what this rail judges, unless it is for the other direction alone. Rails that the configuration
        defines itself are not among them, so that one of them may ask the installed rail whose name it has taken.

        Raises:
            ConfigurationError: it cannot be built: its prompt is missing, or its settings are wrong.
        """
        return None if self._rails is None else self._rails(name, self.direction)

    def prompt(self, task: str) -> TaskPrompt:
        """Return the configuration's prompt for a task.

        Raises:
            ConfigurationError: there is none; the message names the task.
        """
        prompt, model = self._tasks.get(task, (task, task))
        return self.config.prompt(prompt, model=self.config.model_for(model))

    def with_task(self, task: str, *, prompt: str, model: str) -> RailContext:
        """Return a context for a rail that this one is made of, for which a task has another prompt and model.

        Args:
            task: the task as that rail knows it.
            prompt: the task whose prompt it gets.
            model: the type of the model that it asks.
        """
        return replace(self, arguments={}, _tasks={**self._tasks, task: (prompt, model)})


@dataclass(frozen=True, slots=True)
class PlacementContext:
    """What a placement is told about the rail that it runs elsewhere.

    Attributes:
        spec: what the rail's plugin registered.
        flow: the flow's text, arguments included, as the configuration has it.
        timeout: seconds that a check may take.
        rail: what the rail itself would be told, if it ran here.
    """

    spec: RailSpec
    flow: str
    timeout: float
    rail: RailContext
