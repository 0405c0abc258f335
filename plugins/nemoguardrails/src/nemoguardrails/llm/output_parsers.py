"""How actions read what a judge has answered."""

from __future__ import annotations

from handrail_self_check.judging import MUST_THE_MESSAGE_BE_BLOCKED, UnreadableAnswerError, read_answer


def is_content_safe(response: str) -> list[bool | str]:
    """Return whether an answer lets the text pass, and after it the kind of violation if the judge names one.

    An answer that cannot be read, as a whole, lets nothing pass.
    """
    try:
        judgement = read_answer(response, MUST_THE_MESSAGE_BE_BLOCKED)
    except UnreadableAnswerError:
        return [False]
    return [not judgement.blocked, *([judgement.category] if judgement.category else [])]


__all__ = ["is_content_safe"]
