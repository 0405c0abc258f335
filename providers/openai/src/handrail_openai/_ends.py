"""Tells the end of an answer from what only looks like one, and an end from a failure."""

from __future__ import annotations

_GOES_ON = frozenset(("", "null", "none"))
_BROKEN_OFF = frozenset(
    (
        "abort",
        "aborted",
        "canceled",
        "cancelled",
        "error",
        "failed",
        "insufficient_system_resource",
        "internal_error",
        "malformed_function_call",
        "network_error",
        "server_error",
        "timeout",
        "unexpected_tool_call",
    )
)
_LONGEST = 64


def reason_of(value: object) -> str | None:
    """Return why the model ended, as the server wrote it; None if the answer goes on.

    SGLang sends an empty text with each chunk, koboldcpp the text "null".
    """
    if isinstance(value, dict):  # such as {"type": "stop"}
        value = value.get("type") or value.get("reason")
    if value is None or value is False or value == 0 or (isinstance(value, str) and value.strip().lower() in _GOES_ON):
        return None
    return str(value).strip()[:_LONGEST]


def settled(told: str | None, reason: str) -> str:
    """Return why an answer ended whose server has said so before: after a cut or a call, some say "stop" once more."""
    return told if told is not None and _word(reason) == "stop" else reason


def broke_off(reason: str) -> bool:
    """Return whether this reason says that the server failed, so that there is no answer that ended."""
    return _word(reason) in _BROKEN_OFF


def is_cut(reason: str) -> bool:
    """Return whether the answer may have ended within a tool call."""
    return _word(reason) not in ("stop", "tool_calls", "tool_use", "function_call")


def _word(reason: str) -> str:
    """Return the reason itself: Gemini says more behind it, such as `function_call_filter: MALFORMED_FUNCTION_CALL`."""
    return reason.partition(":")[0].strip().lower()
