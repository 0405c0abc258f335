"""A prompt together with its place in the configuration, for errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from handrail.errors import InvalidRailsConfigurationError

if TYPE_CHECKING:
    from handrail import RailContext
    from handrail.config import TaskPrompt


@dataclass(frozen=True, slots=True)
class PlacedPrompt:
    """The prompt that serves a task.

    Attributes:
        prompt: the prompt.
        place: file, line and column; empty where they are unknown.
    """

    prompt: TaskPrompt
    place: str

    @classmethod
    def find(cls, context: RailContext, task: str) -> Self:
        """Find the prompt of a task for the model that serves it.

        Raises:
            ConfigurationError: there is none.
        """
        prompt = context.prompt(task)
        index = next(index for index, entry in enumerate(context.config.prompts) if entry is prompt)
        return cls(prompt, context.config.where("prompts", index))

    def error(self, text: str) -> InvalidRailsConfigurationError:
        """Make an error that says where the prompt stands, and whose it is."""
        place = f"{self.place}: " if self.place else ""
        return InvalidRailsConfigurationError(f"{place}the prompt of the task {self.prompt.task!r} {text}")
