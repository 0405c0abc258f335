"""What exceptions of others say, those of plugins, of libraries and of programs, and which are never their failures."""

from __future__ import annotations

from typing import Final

ENDS_A_PROGRAM: Final = (KeyboardInterrupt, SystemExit)
"""What is never the failure of a plugin, though its code raised it."""

_LONGEST_MESSAGE = 4_000


def message_of(error: BaseException) -> str:
    """Return what an exception says, for another message: its beginning, without control characters.

    Its own code may fail at saying it, which must not hide the failure itself. Use this for exceptions of others.
    """
    try:
        text = str(error)
    except Exception as exc:  # noqa: BLE001  # the exception of a plugin or a library
        return f"(its message cannot be read: {type(exc).__name__})"
    if len(text) > _LONGEST_MESSAGE:
        text = f"{text[:_LONGEST_MESSAGE]}... ({len(text):,} characters)"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)
