"""What a program adds to a configuration that is built: rails, functions, values, and another model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from handrail._compose.composer import compose, plan_of_function
from handrail._compose.functions import require_name_and_direction
from handrail._compose.models import given_model

if TYPE_CHECKING:
    from handrail._compose.composition import Composition
    from handrail._compose.functions import RailFunction
    from handrail._plugins.registry import Registry
    from handrail._specs import Direction
    from handrail.config import RailsConfig


_LATER: Any = object()
"""Stands for a function that a decorator is to be put on; `None` in its place is a mistake, and would guard nothing."""


class Composed:
    """A configuration that is built, and to which a program may add.

    Attributes:
        config: the configuration.
    """

    def __init__(
        self, config: RailsConfig, registry: Registry | None, llm: object, observers: Sequence[object] = ()
    ) -> None:
        self.config = config
        self._app = compose(config, registry, llm, observers)

    @property
    def composition(self) -> Composition:
        """What the configuration was built into: its models, its rails in order, and the plugin behind each."""
        return self._app

    def register_action(self, action: Callable[..., Any], name: str | None = None) -> Self:
        """Register a function that rails may execute by name.

        Raises:
            ConfigurationError: the action cannot be called, or its name is no text.
        """
        self._app.registrations.add_action(action, name)
        self._app.kept_verdicts.clear()
        return self

    def register_action_param(self, name: str, value: object) -> Self:
        """Register a value for every executed function that has a parameter of this name.

        Raises:
            ConfigurationError: the name is no text.
        """
        self._app.registrations.add_action_param(name, value)
        self._app.kept_verdicts.clear()
        return self

    def register_output_parser(self, output_parser: Callable[..., Any], name: str) -> Self:
        """Register a parser that prompts may name as their `output_parser`.

        Raises:
            ConfigurationError: the parser cannot be called, or its name is no text.
        """
        self._app.registrations.add_output_parser(output_parser, name)
        self._app.kept_verdicts.clear()
        return self

    def register_prompt_context(self, name: str, value_or_fn: object) -> Self:
        """Register a variable of prompts; a function is called for each call. It wins over what a caller passes.

        Raises:
            ConfigurationError: the function is asynchronous, and nobody would await it; or the name is no text.
        """
        self._app.registrations.add_prompt_context(name, value_or_fn)
        self._app.kept_verdicts.clear()
        return self

    def register_rail(
        self,
        name: str,
        function: RailFunction = _LATER,
        *,
        direction: Direction = "output",
        options: Mapping[str, Any] | None = None,
        rewrites: bool | None = None,
    ) -> Any:
        """Add a rail that is a function of the text; it runs after those of the configuration.

        What comes out of one that returns texts is the function applied to the whole answer.

        Args:
            name: the rail's name.
            function: takes a text, returns True to let it pass, False to block it, another text to put in its place, or
                a `Verdict`. One that is not asynchronous runs in a thread. Without it, a decorator is returned.
            direction: whether it judges the user's message or the answer.
            options: what any rail may have under `rails.config.<name>`: `timeout` in seconds, `on_error`, `channels`,
                `max_concurrency`, `streaming`.
            rewrites: whether the function returns texts to put in place of what it was given. True: it is asked once,
                about the whole answer. None: it judges windows until it first changes one; from there on the rest is
                held to the end, and what went out must be how the function's text for the whole answer begins, or else
                the rail has failed. False: a returned text is a failure, and nothing is held for longer.

        Raises:
            ConfigurationError: an option, the name or the direction is wrong, or the function is not one of a text.
        """
        require_name_and_direction(name, direction)
        if function is _LATER:
            return partial(self._decorated, name, direction, options, rewrites)
        plan = plan_of_function(self._app, name, function, direction, options or {}, rewrites=rewrites)
        self._app = self._app.with_rail(plan)
        return self

    def update_llm(self, llm: object) -> Self:
        """Put a provider in place of the main model, for calls that begin later."""
        self._app = self._app.with_main_model(given_model(llm, self._app.counter, self.config.prices.by_model()))
        return self

    def _decorated(
        self,
        name: str,
        direction: Direction,
        options: Mapping[str, Any] | None,
        rewrites: bool | None,  # noqa: FBT001  # given by `partial`
        function: RailFunction,
    ) -> RailFunction:
        self.register_rail(name, function, direction=direction, options=options, rewrites=rewrites)
        return function
