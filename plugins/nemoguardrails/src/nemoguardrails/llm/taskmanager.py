"""`LLMTaskManager`: renders the prompts of a configuration, for actions that ask a model themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from handrail import RailContext
from handrail_colang import TaskManager

from nemoguardrails.llm.output_parsers import is_content_safe
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
        self.register_output_parser(is_content_safe, "is_content_safe")

    def register_output_parser(self, output_parser: Callable[..., Any], name: str) -> None:
        """Register a parser that prompts may name."""
        self._context.registrations.add_output_parser(output_parser, name)
