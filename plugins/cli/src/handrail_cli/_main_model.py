"""`--model ENGINE/MODEL`: another main model than the configured one."""

from __future__ import annotations

from typing import Any

from handrail import ConfigurationError, RailsConfig


def with_main_model(config: RailsConfig, named: str) -> RailsConfig:
    """Give the configuration with another main model; rails keep the models they have.

    If the engine stays the same, so do the configured parameters and the key.

    Args:
        config: the configuration.
        named: `ENGINE/MODEL`; what follows the first slash is the model's name and may have slashes itself.

    Raises:
        ConfigurationError: `named` is not of that form.
    """
    engine, _, model = named.partition("/")
    if not engine or not model:
        raise ConfigurationError(f"--model is {named!r}; write ENGINE/MODEL, such as openai/gpt-4o-mini")
    entry: dict[str, Any] = {"type": "main", "engine": engine, "model": model}
    configured = config.model_for("main")
    if configured is not None and configured.engine == engine:
        entry["parameters"] = dict(configured.parameters)
        entry["api_key_env_var"] = configured.api_key_env_var
    return RailsConfig.from_content(config={"models": [entry]}) + config
