"""Chooses the prompt of a task that is meant for a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.errors import InvalidRailsConfigurationError

if TYPE_CHECKING:
    from handrail.config import RailsConfig, TaskPrompt

_STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class ChosenPrompt:
    """A prompt with its place in the configuration.

    Attributes:
        prompt: the prompt.
        index: its place in the list of prompts.
        where: file, line and column for an error, as `config.yml:5:3: `; empty where they are unknown.
    """

    prompt: TaskPrompt
    index: int
    where: str

    def error(self, text: str) -> InvalidRailsConfigurationError:
        """Make an error that says where the prompt stands, and whose it is."""
        return InvalidRailsConfigurationError(f"{self.where}the prompt of the task {self.prompt.task!r} {text}")


def choose_prompt(config: RailsConfig, task: str, *, engine: str, model: str) -> ChosenPrompt:
    """Choose among a task's prompts the one that names the model most closely; of two alike, the later one.

    Args:
        config: the configuration.
        task: what the prompt is for.
        engine: the engine of the model that will be asked.
        model: the model's name.

    Raises:
        InvalidRailsConfigurationError: there is none for this model.
    """
    mode = str(config.custom_data.get("prompting_mode") or _STANDARD)
    ranked = [
        ((_closeness(prompt, engine, model), prompt.mode == mode, index), prompt)
        for index, prompt in enumerate(config.prompts)
        if prompt.task == task and prompt.mode in {mode, _STANDARD}
    ]
    fitting = [entry for entry in ranked if entry[0][0] > 0]
    if not fitting:
        raise InvalidRailsConfigurationError(_missing(config, task, engine, model))
    (_, _, index), prompt = max(fitting, key=lambda entry: entry[0])
    place = config.where("prompts", index)
    return ChosenPrompt(prompt, index, f"{place}: " if place else "")


def _closeness(prompt: TaskPrompt, engine: str, model: str) -> int:
    """Rank how closely a prompt names a model; 0 if it is meant for others."""
    if not prompt.models:
        return 1
    ranks = {engine: 2, model: 3, f"{engine}/{model}": 4}
    return max(ranks.get(name, 0) for name in prompt.models)


def _missing(config: RailsConfig, task: str, engine: str, model: str) -> str:
    others = [prompt for prompt in config.prompts if prompt.task == task]
    if not others:
        return f"no prompt for the task {task!r}; add one to 'prompts'"
    models = sorted({name for prompt in others for name in prompt.models or ()})
    modes = sorted({prompt.mode for prompt in others})
    wanted = f"{engine}/{model}" if model else engine
    named = ", ".join(map(repr, models)) or "of any name"
    return (
        f"the task {task!r} is served by the model {wanted!r}, for which it has no prompt; its prompts are for the "
        f"models {named} (mode {', '.join(map(repr, modes))}); add one for it, or one without 'models'"
    )
