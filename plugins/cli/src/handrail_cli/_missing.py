"""What a problem of a configuration says is missing, and how to get it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail.errors import Problem, ProblemCode

_KINDS: Mapping[ProblemCode, str] = {
    "missing-variable": "environment variable",
    "missing-file": "file",
    "missing-prompt": "prompt",
    "missing-package": "package",
}


def missing_in(problem: Problem) -> dict[str, str] | None:
    """Return what a problem says is missing; None if it says so of nothing that could be got."""
    kind = _KINDS.get(problem.code)
    return {"kind": kind, "name": problem.subject, "get": problem.fix} if kind is not None else None
