"""What existing code reaches as `rails.runtime`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from nemoguardrails._missing import without

if TYPE_CHECKING:
    from nemoguardrails.rails.llm.llmrails import LLMRails


class Runtime:
    """Where actions are registered.

    Args:
        rails: whose it is.
    """

    def __init__(self, rails: LLMRails) -> None:
        self.config = rails.config
        self._rails = rails

    @property
    def registered_action_params(self) -> dict[str, Any]:
        """The values that are passed to actions, by name."""
        return self._rails.composition.registrations.action_params

    if not TYPE_CHECKING:  # a type checker must still find a misspelt name

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(without(type(self).__name__, name))

    def register_action(self, action: Callable[..., Any], name: str | None = None) -> None:
        """Register a function that rails may execute by name."""
        self._rails.register_action(action, name)

    def register_action_param(self, name: str, value: object) -> None:
        """Pass a value to every executed function that has a parameter of this name."""
        self._rails.register_action_param(name, value)
