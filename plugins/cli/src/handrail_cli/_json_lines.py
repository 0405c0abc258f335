"""Shows answers to a program: one JSON object a line."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TextIO

from handrail import Blocked, Finished, RailFailed, ReasoningDelta, Retraction, TextDelta, ToolCallDelta
from handrail.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail import Event

    from handrail_cli._answer import Answer
    from handrail_cli._notes import Notes

EVENTS: Mapping[type[object], str] = {
    TextDelta: "text",
    ReasoningDelta: "reasoning",
    ToolCallDelta: "tool_call",
    Retraction: "retraction",
    Blocked: "blocked",
    RailFailed: "rail_failed",
    Finished: "finished",
}


class JsonLines:
    """Writes events as they come.

    Args:
        output: where they go; the process's output by default.
        notes: where goes what is no event; the error stream by default.
        verbose: whether checks, requests and times follow each answer.
    """

    def __init__(self, output: TextIO | None = None, notes: Notes | None = None, *, verbose: bool = False) -> None:
        from handrail_cli._notes import Notes

        self.verbose = verbose
        self._output = sys.stdout if output is None else output
        self._notes = notes or Notes()

    def begin(self) -> None:
        """Start a new answer; its first event says that it is one."""

    def show(self, event: Event) -> None:
        """Write what was delivered; events of a kind that came later are not for this view."""
        if (kind := EVENTS.get(type(event))) is not None:
            self._write(kind, _fields(event))

    def fail(self, error: Exception) -> None:
        """Write that the model failed."""
        known = {
            name: value
            for name in ("status", "code", "request_id", "retry_after")
            if (value := getattr(error, name, None)) is not None
        }
        self._write("error", {"type": type(error).__name__, "message": message_of(error), **known})

    def stop(self) -> None:
        """Write that the answer was stopped."""
        self._write("stopped", {})

    def end(self, answer: Answer) -> None:
        """Write what happened behind the answer, if that was asked for."""
        if not self.verbose:
            return
        for run in answer.response.rail_runs:
            self._write("check", _fields(run))
        for call in answer.response.llm_calls:
            self._write("request", {**_fields(call), "usage": call.usage})
        self._write("times", {"first_text": answer.seconds_to_text, "total": answer.seconds})

    def note(self, text: str) -> None:
        """Show a note that is no event."""
        self._notes.plain(text, "dim")

    def _write(self, event: str, values: Mapping[str, Any]) -> None:
        self._output.write(json.dumps({"event": event, **values}, default=_plain, skipkeys=True) + "\n")
        self._output.flush()


def _fields(record: Any) -> dict[str, Any]:
    """Return what may be shown of a record: its detail may have text that was refused."""
    return {field.name: getattr(record, field.name) for field in fields(record) if field.name != "detail"}


def _plain(value: object) -> object:
    """Return what JSON can write of a value that it does not know."""
    return _fields(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
