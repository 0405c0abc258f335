"""The event-based form of a call: what a user says comes in as events, what the bot does goes out as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidArgumentError, InvalidRequestError, message_of

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
_MESSAGE = "Message"  # one that no other event can hold, as with tool calls


def messages_of(events: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Return a history of events as messages.

    Raises:
        InvalidRequestError: one of them is of a kind that says nothing here, or the user has said nothing last.
    """
    try:
        messages = conversation_of(events)
    except ValueError as exc:
        raise InvalidRequestError(f"{message_of(exc)}; types are {', '.join((*_SPOKEN, 'ContextUpdate'))}") from exc
    if not messages or messages[-1]["role"] != "user":
        raise InvalidRequestError("the last event must be what the user says, as 'UtteranceUserActionFinished'")
    return messages


def as_events(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return a conversation as events, from which `conversation_of` makes it again."""
    return [_event(message) for message in messages]


def conversation_of(events: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Return the conversation of events that `as_events` has made, or that a program has.

    Raises:
        ValueError: an event is none that says something.
    """
    InvalidArgumentError.unless(isinstance(events, list | tuple), "events", events, "a list of events")
    messages: list[Message] = []
    for number, event in enumerate(events):
        kind = event.get("type") if isinstance(event, Mapping) else None
        if kind in _SPOKEN:
            role, key = _SPOKEN[kind]
            messages.append({"role": role, "content": str(event.get(key) or "")})
        elif kind == _MESSAGE and isinstance(event.get("message"), Mapping):
            messages.append(dict(event["message"]))
        elif kind == "ContextUpdate":
            messages.append({"role": "context", "content": dict(event.get("data") or {})})
        elif kind not in _WITHOUT_MESSAGE:
            raise ValueError(f"events[{number}] is of the type {kind!r}, which says nothing here")
    return messages


def told(checks: Sequence[Mapping[str, Any]], spoken: Sequence[Message], answer: str) -> list[dict[str, Any]]:
    """Return what has happened in a call: what the user said, what rails found, and what the bot said.

    Args:
        checks: what Handrail's log has of the rails.
        spoken: the conversation after the call, of which what a rail refused is no part.
        answer: what the bot said.
    """
    asked = [message for message in spoken if message.get("role") == "user"][-1:]
    before = [new_event_dict("UserMessage", text=str(message.get("content") or "")) for message in asked]
    found = [new_event_dict(check["type"], **{k: v for k, v in check.items() if k != "type"}) for check in checks]
    said = [new_event_dict("BotMessage", text=answer), new_event_dict("StartUtteranceBotAction", script=answer)]
    return [*before, *found, *said, new_event_dict("Listen")]


def _event(message: Message) -> dict[str, Any]:
    role, content = message.get("role"), message.get("content")
    if isinstance(content, str) and set(message) == {"role", "content"}:
        if role == "user":
            return new_event_dict("UtteranceUserActionFinished", final_transcript=content)
        if role == "assistant":
            return new_event_dict("StartUtteranceBotAction", script=content)
    return new_event_dict(_MESSAGE, message=dict(message))


def events_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the bot does: it says something, or an exception is raised; then it listens."""
    content = answer.get("content")
    if answer.get("role") == _EXCEPTION and isinstance(content, Mapping):
        return [dict(content), new_event_dict("Listen")]
    return [new_event_dict("StartUtteranceBotAction", script=str(content or "")), new_event_dict("Listen")]
