"""opencode, as its program, with the provider for servers of Chat Completions."""

from __future__ import annotations

import tempfile
from pathlib import Path

from as_programs import ProgramError, opencode
from asked import BASE, report


def ask(case):
    told = opencode(Path(home), BASE, case)
    for entry in told:
        if entry["type"] == "error":
            error = entry["error"]
            raise ProgramError(error.get("data", {}).get("message") or error.get("name"))
    text = "".join(entry["part"]["text"] for entry in told if entry["type"] == "text")
    reasons = [entry["part"].get("reason") for entry in told if entry["type"] == "step_finish"]
    if reasons and reasons[-1] not in ("stop", None):
        raise ProgramError(f"{reasons[-1]} after {text!r}")
    return text


with tempfile.TemporaryDirectory() as home:  # one for all, for it installs its provider there
    report("chat", ask)
