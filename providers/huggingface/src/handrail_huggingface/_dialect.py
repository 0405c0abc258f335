"""How a model marks its reasoning and its tool calls, found out from its chat template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Tags: TypeAlias = tuple[str, str]
"""What stands before and after a part of the answer."""

KNOWN_REASONING_TAGS: tuple[Tags, ...] = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))
KNOWN_TOOL_CALL_TAGS: tuple[Tags, ...] = (("<tool_call>", "</tool_call>"),)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The tags of one model; None where it has no such thing."""

    reasoning: Tags | None = None
    tool_calls: Tags | None = None

    @property
    def tags(self) -> tuple[Tags, ...]:
        """Every pair of tags."""
        return tuple(tags for tags in (self.reasoning, self.tool_calls) if tags is not None)

    @classmethod
    def of(cls, template: str, reasoning: Tags | None = None, tool_calls: Tags | None = None) -> Dialect:
        """Read a chat template; what is given goes first."""
        return cls(
            reasoning or _mentioned(template, KNOWN_REASONING_TAGS),
            tool_calls or _mentioned(template, KNOWN_TOOL_CALL_TAGS),
        )


def _mentioned(template: str, known: tuple[Tags, ...]) -> Tags | None:
    return next((tags for tags in known if tags[1] in template), None)
