"""What a call asked of models, for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from handrail._call.log import LLMCallInfo, call_info, call_line, calls_line

if TYPE_CHECKING:
    from handrail._turn import Journal


class Explanation:
    """The requests of one call, the rails' own included."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @property
    def llm_calls(self) -> tuple[LLMCallInfo, ...]:
        """Every request so far, in order."""
        return tuple(map(call_info, self._journal.llm_calls))

    def print_llm_calls_summary(self) -> None:
        """Print the requests, for people at a terminal."""
        print("\n".join(self._lines()))  # noqa: T201  # what the method is for

    def _lines(self) -> Iterable[str]:
        calls = self.llm_calls
        tokens = sum(call.total_tokens for call in calls)
        yield f"Summary: {calls_line(len(calls), sum(call.duration for call in calls), tokens)}"
        yield from map(call_line, calls)
