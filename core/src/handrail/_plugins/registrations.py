"""What a program registers on its `LLMRails` for the rails of its configuration: functions, values, parsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Registrations:
    """Belongs to one `LLMRails`; rails look things up when they run, so that they may be registered after it is built.

    Attributes:
        actions: functions by name, for rails that execute them.
        action_params: values that are passed to parameters of these names.
        output_parsers: functions that read a judge's answer, by name.
        prompt_context: values, or functions that give them, for variables of prompts.
        refusal: what a user is told after a block, where neither the rail nor the YAML says so; registered while the
            configuration is composed, by what its own files define.
    """

    actions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    action_params: dict[str, Any] = field(default_factory=dict)
    output_parsers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    prompt_context: dict[str, Any] = field(default_factory=dict)
    refusal: str | None = None
