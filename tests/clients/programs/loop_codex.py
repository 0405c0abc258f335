"""OpenAI's Codex, as its program: it runs commands that the model asks for."""

from __future__ import annotations

import tempfile
from pathlib import Path

from as_programs import ProgramError, codex
from asked import BASE, report_loop


def loop(model):
    with tempfile.TemporaryDirectory(dir=Path.home()) as home:
        told = codex(Path(home), BASE, model, "--dangerously-bypass-approvals-and-sandbox")  # the commands are echoes
    for entry in told:
        if entry["type"] == "turn.failed":
            raise ProgramError(entry["error"]["message"])
    items = [entry["item"] for entry in told if entry["type"] == "item.completed"]
    text = "".join(item["text"] for item in items if item["type"] == "agent_message")
    return sum(item["type"] == "command_execution" for item in items), text


report_loop("responses", loop)
