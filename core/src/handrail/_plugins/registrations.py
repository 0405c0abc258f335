"""What a program registers on its `LLMRails` for the rails of its configuration: functions, values, parsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any

from handrail._nearest import shown
from handrail.errors import ConfigurationError


@dataclass(slots=True)
class Registrations:
    """Belongs to one `LLMRails`; rails look things up when they run, so that they may be registered after it is built.

    Attributes:
        actions: functions by name, for rails that execute them.
        action_params: values that are passed to parameters of these names.
        output_parsers: functions that read a judge's answer, by name.
        prompt_context: values, or functions that give them, for variables of prompts.
        refusal: what a user is told after a block, where neither the rail nor the YAML says so; registered while the
            configuration is composed, by what its own files define.
    """

    actions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    action_params: dict[str, Any] = field(default_factory=dict)
    output_parsers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    prompt_context: dict[str, Any] = field(default_factory=dict)
    refusal: str | None = None

    def add_action(self, action: Callable[..., Any], name: str | None = None) -> None:
        """Register a function, or an object with `run`, that rails may execute by name.

        Raises:
            ConfigurationError: it cannot be called, or its name is no text.
        """
        name = str(getattr(action, "__name__", type(action).__name__)) if name is None else name
        self.actions[_named("an action", name)] = _callable("action", action, getattr(action, "run", None))

    def add_action_param(self, name: str, value: object) -> None:
        """Register a value for every executed function that has a parameter of this name.

        Raises:
            ConfigurationError: the name is no text.
        """
        self.action_params[_named("a parameter of actions", name)] = value

    def add_output_parser(self, output_parser: Callable[..., Any], name: str) -> None:
        """Register a parser that prompts may name.

        Raises:
            ConfigurationError: it cannot be called, or its name is no text.
        """
        self.output_parsers[_named("an output parser", name)] = _callable("output_parser", output_parser)

    def add_prompt_context(self, name: str, value_or_fn: object) -> None:
        """Register a variable of prompts, or a function that returns it.

        Raises:
            ConfigurationError: the name is no text, or the function is asynchronous, and nobody would await it.
        """
        if iscoroutinefunction(value_or_fn):
            raise ConfigurationError(
                f"prompt variable {name!r} is an asynchronous function; pass a value, or a function that returns one"
            )
        self.prompt_context[_named("a prompt variable", name)] = value_or_fn


def _callable(argument: str, function: Callable[..., Any], run: object = None) -> Callable[..., Any]:
    if not callable(function) and not callable(run):
        raise ConfigurationError(f"{argument} takes a function, not {type(function).__name__}")
    return function


def _named(what: str, name: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"the name of {what} must be text, not {shown(name)}")
    return name
