"""What travels between whoever guards and where a rail runs: plain values of JSON, by handle as over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeAlias

from handrail import Edit, LLMCall, Turn, Usage, Verdict, Window
from handrail.errors import RailError

Plain: TypeAlias = dict[str, Any]

_CALL = frozenset(field.name for field in fields(LLMCall)) - {"reported", "count_tokens"}
_VERDICT = frozenset(field.name for field in fields(Verdict))


def of_window(window: Window) -> Plain:
    """Write a window."""
    return asdict(window)


def window_of(plain: Mapping[str, Any]) -> Window:
    """Read a window."""
    return Window(**plain)


def of_turn(turn: Turn, rail: str) -> Plain:
    """Write what a rail is told of a turn; the call's journal and what its other rails share stay where they are.

    Raises:
        RailError: the program's variables or the rail's state are not JSON.
    """
    told = {
        "messages": turn.messages,
        "user_message": turn.user_message,
        "variables": turn.variables,
        "tools": turn.tools,
        "call_id": turn.call_id,
        "caller": turn.caller,
        "conversation_id": turn.conversation_id,
        "state": turn.state,
    }
    try:
        return {name: _plain(value) for name, value in told.items()}
    except (TypeError, RecursionError):
        text = f"rail {rail!r}: the turn has variables or a state that are not JSON, so it cannot travel"
        raise RailError(text, rail=rail) from None


def _plain(value: object) -> object:
    """Return a value as JSON has it.

    Raises:
        TypeError: JSON has nothing like it.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below) for below in value]
    raise TypeError(type(value).__name__)


def turn_of(plain: Mapping[str, Any]) -> Turn:
    """Read a turn; its journal is empty."""
    return Turn(**{**plain, "messages": tuple(plain["messages"]), "tools": tuple(plain["tools"])})


def of_verdict(verdict: Verdict) -> Plain:
    """Write a verdict; what of its detail is not JSON is written as text."""
    written = {name: getattr(verdict, name) for name in _VERDICT}
    written["edits"] = [asdict(edit) for edit in verdict.edits]
    written["detail"] = None if verdict.detail is None else json.loads(json.dumps(dict(verdict.detail), default=repr))
    return written


def verdict_of(plain: object, rail: str) -> Verdict:
    """Read a verdict.

    Raises:
        RailError: it is none. What it says is for the kernel to check, as that of any rail.
    """
    if not isinstance(plain, Mapping) or not _VERDICT.issuperset(plain):
        raise RailError(f"rail {rail!r}: the replica answered with no verdict", rail=rail)
    try:
        edits = tuple(Edit(**edit) for edit in plain.get("edits") or ())
        span = plain.get("span")
        return Verdict(**{**plain, "edits": edits, "span": None if span is None else tuple(span)})
    except TypeError:
        raise RailError(f"rail {rail!r}: the replica answered with no verdict", rail=rail) from None


def of_calls(calls: Sequence[LLMCall]) -> list[Plain]:
    """Write what models were asked while a rail judged."""
    return [{**{name: getattr(call, name) for name in _CALL}, "usage": asdict(call.usage)} for call in calls]


def calls_of(plain: Sequence[Mapping[str, Any]]) -> list[LLMCall]:
    """Read what models were asked."""
    return [
        LLMCall(**{name: value for name, value in call.items() if name in _CALL}, reported=Usage(**call["usage"]))
        for call in plain
    ]
