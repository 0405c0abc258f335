"""The variables of one call: what its dialog and its rails set, for those that come later and for the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CallVariables:
    """What is known of one call by name.

    Attributes:
        given: what the caller gives: the contents of `context` messages.
        said: what the dialog that answers has set, which every rail of the output reads.
        kept: whatever anything has set, for a caller who asks for it.
        of_the_answer: the names of those that were set to make the answer, or to judge it, and may hold parts of it.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    of_the_answer: set[str] = field(default_factory=set)

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
