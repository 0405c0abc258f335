"""What the flow of such a rail says: the model that it asks, and with it the task whose prompt it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.errors import InvalidRailsConfigurationError

if TYPE_CHECKING:
    from handrail import RailContext


def named_model(context: RailContext) -> str:
    """Return the type of the model that a flow names as its argument `$model`.

    Raises:
        InvalidRailsConfigurationError: it names none, one that is not configured, or has another argument.
    """
    others = context.arguments.keys() - {"model"}
    if others or "model" not in context.arguments:
        found = f"is given {', '.join(f'${name}' for name in sorted(others))}" if others else "is given none"
        raise InvalidRailsConfigurationError(
            f"rail {context.name!r} takes one argument, the type of its model, and {found}; write "
            f"'{context.name} $model=TYPE'"
        )
    return configured(context, context.arguments["model"])


def configured(context: RailContext, model: str) -> str:
    """Refuse a model that is not configured: the main model in its place would judge by its own lights.

    Raises:
        InvalidRailsConfigurationError: no model has this type.
    """
    if context.config.model_for(model) is None:
        known = ", ".join(repr(entry.type) for entry in context.config.models) or "none"
        raise InvalidRailsConfigurationError(
            f"rail {context.name!r} asks the model of the type {model!r}, which is not configured; types: {known}"
        )
    return model
