"""Why an answer ended, in OpenAI's words, which are the only ones that clients know."""

from __future__ import annotations

import re

from handrail import Blocked, GenerationResponse

_OPENAI = ("stop", "length", "tool_calls", "content_filter", "function_call")
_NEAREST = {
    "stop": "complete completed done end end_turn eos eos_token finished stop_sequence stop_token",
    "tool_calls": "function_calls tool_call tool_use",
    "content_filter": (
        "blocklist content_filtered content_policy filtered guardrail_intervened image_safety language moderation "
        "prohibited_content recitation refusal risk_control safety sensitive spii"
    ),
}
_REASON = re.compile(
    r"[A-Za-z][\w-]{0,40}(?::? ?[A-Za-z][\w-]{0,40})?", re.ASCII
)  # what has more words is a text, which no rail has read
_WORDS = {word: reason for reason, words in _NEAREST.items() for word in words.split()}


def finish_reason(response: GenerationResponse) -> str:
    """Return why an answer ended.

    A reason that nobody knows is told as `length`: whatever it means, the answer may not be complete.
    """
    if isinstance(response.stop, Blocked):
        return "content_filter"
    reason = response.finish_reason
    if not reason:
        return "tool_calls" if response.tool_calls else "stop"
    word = reason.partition(":")[0].strip().lower().replace("-", "_")  # Gemini says more: "content_filter: RECITATION"
    return word if word in _OPENAI else _WORDS.get(word, "length")


def ending(response: GenerationResponse) -> dict[str, str]:
    """Return the fields of a choice that say why it ended, with the model's own word where it is another."""
    told = finish_reason(response)
    own = response.finish_reason
    if not own or own == told or response.stop is not None or not _REASON.fullmatch(own):
        return {"finish_reason": told}
    return {"finish_reason": told, "native_finish_reason": own}
