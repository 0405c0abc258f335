"""No guard at all: the limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from work import Judge, Source


class Guarded:
    """Hands on what the provider says."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        self._case = case
        self._judges = judges

    def stream(self, source: Source) -> AsyncIterator[str]:
        """Yield the provider's own stream."""
        return source.__aiter__()


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
