"""OpenAI's Codex, as its program; it knows Responses alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from as_programs import ProgramError, codex
from asked import BASE, report


def ask(case):
    with tempfile.TemporaryDirectory(dir=Path.home()) as home:
        told = codex(Path(home), BASE, case)
    for entry in told:
        if entry["type"] == "turn.failed":
            raise ProgramError(entry["error"]["message"])
    messages = [entry["item"] for entry in told if entry["type"] == "item.completed"]
    return "".join(item["text"] for item in messages if item["type"] == "agent_message")


report("responses", ask)
