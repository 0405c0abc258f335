"""Names of variables that stand for what is judged."""

from __future__ import annotations

JUDGED_NAMES = frozenset(
    (
        "assistant_message",
        "bot_message",
        "bot_response",
        "last_bot_message",
        "last_user_message",
        "response",
        "user_input",
        "user_message",
    )
)
"""What a caller may not set, because rails would judge it in place of what is sent.

A prompt may use one of them only if its task has it.
"""
