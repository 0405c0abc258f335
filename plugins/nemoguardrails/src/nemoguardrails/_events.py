"""The event-based form of a call: what a user says comes in as events, what the bot does goes out as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidRequestError

from nemoguardrails.utils import new_event_dict

if TYPE_CHECKING:
    from handrail import Message

_SPOKEN = {
    "UtteranceUserActionFinished": ("user", "final_transcript"),
    "UserMessage": ("user", "text"),
    "StartUtteranceBotAction": ("assistant", "script"),
    "BotMessage": ("assistant", "text"),
}
_WITHOUT_MESSAGE = ("Listen", "StartListen", "UtteranceBotActionStarted", "UtteranceBotActionFinished")
_EXCEPTION = "exception"


def messages_of(events: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Return a history of events as messages.

    Raises:
        InvalidRequestError: one of them is of a kind that says nothing here, or the user has said nothing last.
    """
    messages: list[Message] = []
    for number, event in enumerate(events):
        kind = event.get("type")
        if kind == "ContextUpdate":
            messages.append({"role": "context", "content": dict(event.get("data") or {})})
        elif kind in _SPOKEN:
            role, key = _SPOKEN[kind]
            messages.append({"role": role, "content": str(event.get(key) or "")})
        elif kind not in _WITHOUT_MESSAGE:
            raise InvalidRequestError(
                f"events[{number}] has the type {kind!r}; types are {', '.join((*_SPOKEN, 'ContextUpdate'))}"
            )
    if not messages or messages[-1]["role"] != "user":
        raise InvalidRequestError("the last event must be what the user says, as 'UtteranceUserActionFinished'")
    return messages


def events_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the bot does: it says something, or an exception is raised; then it listens."""
    content = answer.get("content")
    if answer.get("role") == _EXCEPTION and isinstance(content, Mapping):
        return [dict(content), new_event_dict("Listen")]
    return [new_event_dict("StartUtteranceBotAction", script=str(content or "")), new_event_dict("Listen")]
