"""Answers of judges that are already known, by what was asked: a file that later runs read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import ConfigurationError, Edit, LLMCall, Usage, Verdict

if TYPE_CHECKING:
    from handrail import Turn, Window

_TOLD = ("allow", "block", "rewrite")
_FIELDS = 8  # of a verdict, after its key
_BEGINNING = b'["'  # of a line


class Cache:
    """Verdicts by the content of the check.

    A key is the rail, `basis`, the window and the conversation; nothing that failed is kept.

    Args:
        path: the file; it need not exist.
        basis: what else decides the answers: models, prompts and settings of the configuration, and versions.
        texts: whether the file may have texts: reasons may quote what was judged, and edits are new text.

    Raises:
        ConfigurationError: the file is not one of answers.
    """

    def __init__(self, path: Path, basis: str, *, texts: bool = True) -> None:
        self._basis, self._texts = f"{basis}{'' if texts else ', without texts'}", texts
        self._known: dict[str, list[Any]] = {}
        if path.exists():
            self._read(path)
        path.touch(mode=0o600)
        self._file = path.open("a", encoding="utf-8")

    def _read(self, path: Path) -> None:
        whole = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    key, known = _parsed(path, line)
                    self._known[key] = known
                    whole += len(line)
                elif not _BEGINNING.startswith(line[: len(_BEGINNING)]):
                    raise _not_ours(path)
        os.truncate(path, whole)  # what follows the last newline was torn

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
        """Remember a verdict; nothing that is none, and none that says more than is written down."""
        if type(verdict) is not Verdict or verdict.decision not in _TOLD:
            return
        if verdict.score is not None or "when" in (verdict.detail or {}) or not (self._texts or _has_no_text(verdict)):
            return
        known = [
            verdict.decision,
            verdict.reason if self._texts else "",
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


def _parsed(path: Path, line: bytes) -> tuple[str, list[Any]]:
    try:
        key, *known = json.loads(line)
        decision, *_, seconds, _ = known
        if isinstance(key, str) and len(known) == _FIELDS and decision in _TOLD and seconds >= 0:
            return key, known
    except (TypeError, ValueError):
        pass
    raise _not_ours(path)


def _not_ours(path: Path) -> ConfigurationError:
    return ConfigurationError(f"{path} has something else than the answers that --cache writes; name another file")


def _has_no_text(verdict: Verdict) -> bool:
    return not verdict.edits and not verdict.message
