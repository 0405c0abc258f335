"""What a problem of a configuration says is missing, and how to get it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_KINDS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "prompt": (re.compile(r"no prompt for the task '([^']+)'"), "write it below 'prompts', with 'task: {}'"),
    "environment variable": (re.compile(r"environment variable '(\w+)'"), "export {}=..."),
    "package": (re.compile(r"pip install \"?([\w.-]*\w(?:\[[\w,-]+\])?)"), 'pip install "{}"'),
    "file": (
        re.compile(r"'([^']+)'[^']*(?:cannot be read|is no folder|No such file)"),
        "put it there, or correct its name",
    ),
}


def missing_in(problem: str) -> dict[str, str] | None:
    """Read a problem as Handrail and its plugins word it; None if it says of nothing that it is missing."""
    for kind, (pattern, how) in _KINDS.items():
        if found := pattern.search(problem):
            return {"kind": kind, "name": found[1], "get": how.format(found[1])}
    return None
