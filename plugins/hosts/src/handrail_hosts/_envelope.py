"""What an answer says of itself: ids, names, numbers. A text among it is left out, for no rail has judged it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from handrail_hosts._errors import GuardFailedError

_WORD = re.compile(r"[\x21-\x7e]*")
_GOES_ON = ("null", "none")
_BROKEN_OFF = frozenset(
    {"abort", "aborted", "canceled", "cancelled", "error", "failed", "insufficient_system_resource", "internal_error",
     "malformed_function_call", "network_error", "server_error", "timeout", "unexpected_tool_call"}
)  # fmt: skip
_COMPLETE = ("stop", "end_turn")
_REASON = re.compile(r"[A-Za-z_]{1,64}")


def plain(value: object) -> Any:
    """Return a JSON value with "" for each text in it: what has a space, or any character outside ASCII."""
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else ""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items() if _WORD.fullmatch(name)}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def plain_fields(value: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return some fields of an object, as `plain` has them."""
    return {name: plain(value[name]) for name in names if name in value}


def reason_of(value: object) -> str | None:
    """Return the word for why an answer ended, "unknown" for what is none; None if it goes on.

    Some servers send an empty text, or the text "null", with all that goes on.
    """
    if isinstance(value, Mapping):  # such as {"type": "stop"}
        value = value.get("type") or value.get("reason")
    if not value or value in _GOES_ON:
        return None
    return value if isinstance(value, str) and _REASON.fullmatch(value) else "unknown"


def is_failure(reason: str | None) -> bool:
    """Return whether the reason for the end of an answer says that the model's server failed."""
    return reason is not None and reason.lower() in _BROKEN_OFF


def settled(told: str | None, reason: str | None) -> str | None:
    """Return why an answer ended whose server has said why before: after a cut or a call, some say "stop" once more."""
    return told if told is not None and reason in _COMPLETE else reason


def name_of(value: str) -> str:
    """Return the name of a tool that a model calls.

    Raises:
        GuardFailedError: it is a text, which no rail would judge.
    """
    if not _WORD.fullmatch(value):
        raise GuardFailedError("a tool is called by what is no name, which rails cannot judge")
    return value
