"""Which prompt serves a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail._nearest import did_you_mean
from handrail.config._problems import listed
from handrail.errors import InvalidRailsConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail.config._sections import ModelConfig, TaskPrompt


def choose_prompt(prompts: Sequence[TaskPrompt], task: str, model: ModelConfig | None, mode: str) -> TaskPrompt:
    """Choose the prompt of a task: in the mode that is set, for the model if there is one, else for any.

    Of several that are equally fit, the last one counts, so that a later file can replace a prompt.

    Raises:
        InvalidRailsConfigurationError: there is none.
    """
    fit = [prompt for prompt in prompts if prompt.task == task and _fitness(prompt, model) >= 0]
    if fit:
        return max(reversed(fit), key=lambda prompt: (prompt.mode == mode, _fitness(prompt, model)))
    raise InvalidRailsConfigurationError(
        _missing(prompts, task, model),
        code="missing-prompt",
        subject=task,
        fix=f"write it below 'prompts', with 'task: {task}'",
    )


def _fitness(prompt: TaskPrompt, model: ModelConfig | None) -> int:
    """Rate a prompt for a model: 2 names it, 1 names its engine, 0 is for all, -1 is for others."""
    if prompt.models is None:
        return 0
    if model is not None:
        if f"{model.engine}/{model.model}" in prompt.models:
            return 2
        if model.engine in prompt.models:
            return 1
    return -1


def _missing(prompts: Sequence[TaskPrompt], task: str, model: ModelConfig | None) -> str:
    others = [prompt.models for prompt in prompts if prompt.task == task and prompt.models is not None]
    tasks = list(dict.fromkeys(prompt.task for prompt in prompts))
    have = ""
    if others:
        named = listed(dict.fromkeys(name for models in others for name in models))
        wanted = f"'{model.engine}/{model.model}'" if model is not None else "no model"
        have = f" that is for {wanted}, only for {named}"
    elif tasks:
        have = f"; there are prompts for {listed(tasks)}{did_you_mean(task, tasks)}"
    judged = "user_input" if "_input" in task else "bot_response"
    template = f"Your template, with variables such as {{{{ {judged} }}}}"
    example = f"prompts:\n  - task: {task}\n    content: |\n      {template}"
    return f"no prompt for the task '{task}'{have}; write one:\n{example}"
