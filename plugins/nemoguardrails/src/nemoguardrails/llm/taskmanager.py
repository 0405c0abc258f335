"""`LLMTaskManager`: renders the prompts of a configuration, for actions that ask a model themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import RailContext
from handrail_colang import TaskManager

from nemoguardrails.llm.types import Task as Task

if TYPE_CHECKING:
    from handrail import RailsConfig

__all__ = ["LLMTaskManager", "Task"]


class LLMTaskManager(TaskManager):
    """Renders and reads the prompts of a configuration.

    Args:
        config: the configuration.
    """

    def __init__(self, config: RailsConfig) -> None:
        super().__init__(RailContext("LLMTaskManager", "output", config, len))
