"""The variables of one call: what its dialog and its rails set, for those that come later and for the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRun:
    """One `execute` that has run; times in seconds since the epoch.

    Attributes:
        rail: the name of the rail, or of the dialog, that executed it.
        kind: "input", "output" or "dialog".
        arguments: the rail's, where its flow has some.
        name: the action's name.
        params: its named arguments as the flow has them; of literals their values.
        result: what it returned; None if it failed.
        error: why it failed, for the operator; empty if it did not.
        tasks: under which tasks it asked models.
    """

    rail: str
    kind: str
    arguments: Mapping[str, str]
    name: str
    params: Mapping[str, Any]
    result: Any
    error: str
    tasks: frozenset[str]
    started_at: float
    finished_at: float


@dataclass(slots=True)
class CallVariables:
    """What is known of one call: its variables by name, and what it has executed.

    Attributes:
        given: what the caller gives: the contents of `context` messages.
        said: what the dialog that answers has set, which every rail of the output reads.
        kept: whatever anything has set, for a caller who asks for it.
        of_the_answer: the names of those that were set to make the answer, or to judge it, and may hold parts of it.
        actions: what flows and dialogs have executed, in the order in which it ended.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    of_the_answer: set[str] = field(default_factory=set)
    actions: list[ActionRun] = field(default_factory=list)

    def keep(self, values: Mapping[str, Any], *, of_the_answer: bool) -> None:
        """Keep what a rail has set."""
        self.kept.update(values)
        if of_the_answer:
            self.of_the_answer |= values.keys()

    def say(self, values: Mapping[str, Any]) -> None:
        """Keep what a dialog has set to answer."""
        self.said.update(values)
        self.keep(values, of_the_answer=True)

    def wanted(self, names: Iterable[str] | None, *, blocked: bool) -> dict[str, Any]:
        """Return what was set, by the names that a caller asks for, or all; None for what a block withholds."""
        found = self.kept if names is None else {name: self.kept[name] for name in names if name in self.kept}
        return {name: None if blocked and name in self.of_the_answer else value for name, value in found.items()}


call_variables: ContextVar[CallVariables | None] = ContextVar("call_variables", default=None)
"""Those of the call that is running, where a program keeps them: it sets them before the call and reads them after."""
