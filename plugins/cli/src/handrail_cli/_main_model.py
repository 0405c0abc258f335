"""`--model ENGINE/MODEL`: another main model than the configured one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import ConfigurationError
from handrail.config import ModelConfig

if TYPE_CHECKING:
    from handrail import RailsConfig, Registry


def with_main_model(config: RailsConfig, named: str, registry: Registry) -> RailsConfig:
    """Return the configuration with another main model; rails keep the models that are configured for them.

    If the engine stays the same, so do the configured parameters and the key.

    Args:
        config: the configuration.
        named: `ENGINE/MODEL`; what follows the first slash is the model's name and may have slashes itself.
        registry: what is installed.

    Raises:
        ConfigurationError: `named` is not of that form, or there is no such engine.
    """
    engine, _, model = named.partition("/")
    if not engine or not model:
        raise ConfigurationError(f"--model is {named!r}; write ENGINE/MODEL, such as openai/gpt-4o-mini")
    registry.without(config.plugins.disable).provider(engine)  # raises now, where it is not blamed on the file
    main = ModelConfig(type="main", engine=engine, model=model)
    if (configured := config.model_for("main")) is None:
        return config.model_copy(update={"models": (*config.models, main)})
    if configured.engine == engine:
        main = configured.model_copy(update={"model": model})
    return config.model_copy(update={"models": tuple(main if m is configured else m for m in config.models)})
