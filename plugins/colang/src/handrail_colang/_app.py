"""What `init(app)` of a `config.py` gets from a plain `handrail.LLMRails`: the functions that register something."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from handrail import RailContext, RailsConfig


class App:
    """Registers on the `LLMRails` that is being built.

    Attributes:
        config: the configuration.
    """

    def __init__(self, context: RailContext) -> None:
        self.config: RailsConfig = context.config
        self._registrations = context.registrations

    def register_action(self, action: Callable[..., Any], name: str | None = None) -> Self:
        """Give flows a function that they may execute by name."""
        self._registrations.actions[name or str(getattr(action, "__name__", type(action).__name__))] = action
        return self

    def register_action_param(self, name: str, value: object) -> Self:
        """Give a value to every executed function that has a parameter of this name."""
        self._registrations.action_params[name] = value
        return self

    def register_output_parser(self, output_parser: Callable[..., Any], name: str) -> Self:
        """Give prompts a parser that they may name."""
        self._registrations.output_parsers[name] = output_parser
        return self

    def register_prompt_context(self, name: str, value_or_fn: object) -> Self:
        """Give prompts a variable, or a function that gives it."""
        self._registrations.prompt_context[name] = value_or_fn
        return self
