"""What a call has cost, counted up as the events of an answer say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail import Usage
from handrail_http import clean, count_of

_CACHED = "cache_read_input_tokens"
_PROMPT = ("input_tokens", "cache_creation_input_tokens", _CACHED)
_TOTALS = (*_PROMPT, "output_tokens")


class Cost:
    """The tokens of one answer. Totals only grow; some servers send 0 where they do not know."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}

    def take(self, usage: object) -> Usage | None:
        """Take what an event says; None if it says nothing."""
        if not isinstance(usage, Mapping):
            return None
        for name, value in usage.items():
            if name in _TOTALS:
                self._told[name] = max(self._count(name), count_of(value) or 0)
            elif value is not None:
                self._told[name] = clean(value)
        return self.total()

    def total(self) -> Usage:
        """Return the tokens so far: what was read from the cache, or written to it, is part of the prompt."""
        return Usage(
            sum(self._count(name) for name in _PROMPT),
            self._count("output_tokens"),
            cached_tokens=self._count(_CACHED),
            reasoning_tokens=self._thinking(),
        )

    def told(self) -> dict[str, Any]:
        """Return all that the server has said, and what Chat Completions has a name for also by that."""
        found = dict(self._told)
        if cached := self._count(_CACHED):
            found["prompt_tokens_details"] = {"cached_tokens": cached}
        if thinking := self._thinking():
            found["completion_tokens_details"] = {"reasoning_tokens": thinking}
        return found

    def _thinking(self) -> int:
        details = self._told.get("output_tokens_details")
        return count_of(details.get("thinking_tokens")) or 0 if isinstance(details, Mapping) else 0

    def _count(self, name: str) -> int:
        return count_of(self._told.get(name)) or 0
