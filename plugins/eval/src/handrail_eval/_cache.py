"""Answers of judges that are already known, by what was asked: a file that later runs read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import Edit, LLMCall, Usage, Verdict

if TYPE_CHECKING:
    from handrail import Turn, Window

_TOLD = ("allow", "block", "rewrite")


class Cache:
    """Verdicts by the content of the check.

    A key is the rail, `basis`, the window and the conversation; nothing that failed is kept.

    Args:
        path: the file; it need not exist.
        basis: what else decides the answers: models, prompts and settings of the configuration, and versions.
    """

    def __init__(self, path: Path, basis: str) -> None:
        self._basis = basis
        self._known: dict[str, list[Any]] = {}
        if path.exists():
            for line in path.read_bytes().split(b"\n")[:-1]:  # what follows the last newline was torn
                key, *known = json.loads(line)
                self._known[key] = known
            with path.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        self._file = path.open("a", encoding="utf-8")

    def key(self, rail: str, window: Window, turn: Turn) -> str:
        """Return what names a check."""
        shown = [
            self._basis,
            rail,
            window.text,
            window.context_start,
            window.start,
            window.end,
            window.last,
            window.channel,
            window.tool_name,
            [dict(message) for message in turn.messages],
        ]
        return hashlib.sha256(json.dumps(shown, default=str).encode()).hexdigest()

    def get(self, key: str) -> tuple[Verdict, float, list[LLMCall]] | None:
        """Return the verdict, the seconds that it took, and the requests that were made for it."""
        if (known := self._known.get(key)) is None:
            return None
        decision, reason, category, span, edits, message, seconds, calls = known
        verdict = Verdict(
            decision,
            reason,
            category,
            None if span is None else (span[0], span[1]),
            tuple(Edit(*edit) for edit in edits),
            message,
        )
        return (
            verdict,
            seconds,
            [LLMCall(task, engine, model, "", reported=Usage(*usage)) for (task, engine, model, _), usage in calls],
        )

    def put(self, key: str, verdict: object, seconds: float, calls: Sequence[LLMCall]) -> None:
        """Remember a verdict; nothing that is none, and none with a score, which is not written down yet."""
        if type(verdict) is not Verdict or verdict.decision not in _TOLD or getattr(verdict, "score", None) is not None:
            return
        known = [
            verdict.decision,
            verdict.reason,
            verdict.category,
            verdict.span,
            [[edit.start, edit.end, edit.replacement] for edit in verdict.edits],
            verdict.message,
            seconds,
            [
                [[call.task, call.engine, call.model, ""], [call.usage.input_tokens, call.usage.output_tokens]]
                for call in calls
            ],
        ]
        self._known[key] = json.loads(json.dumps(known))
        self._file.write(json.dumps([key, *known]) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
