"""What `init(app)` of a `config.py` gets: the functions that register something, before any model or rail is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from handrail import RailsConfig, Registrations


class App:
    """Stands for the `LLMRails` that is about to be built.

    Attributes:
        config: the configuration.
    """

    def __init__(self, config: RailsConfig, registrations: Registrations) -> None:
        self.config = config
        self._registrations = registrations

    def __getattr__(self, name: str) -> Any:
        known = ", ".join(sorted(key for key in vars(App) if key.startswith("register_")))
        raise AttributeError(f"app has no {name!r}: no model or rail is built yet. It has config, {known}")

    def register_action(self, action: Callable[..., Any], name: str | None = None) -> Self:
        """Register a function that flows may execute by name; raise a ConfigurationError for what is none."""
        self._registrations.add_action(action, name)
        return self

    def register_action_param(self, name: str, value: object) -> Self:
        """Register a value for every executed function that has a parameter of this name."""
        self._registrations.add_action_param(name, value)
        return self

    def register_output_parser(self, output_parser: Callable[..., Any], name: str) -> Self:
        """Register a parser that prompts may name; raise a ConfigurationError for what is none."""
        self._registrations.add_output_parser(output_parser, name)
        return self

    def register_prompt_context(self, name: str, value_or_fn: object) -> Self:
        """Register a variable of prompts, or a function that returns it."""
        self._registrations.add_prompt_context(name, value_or_fn)
        return self
