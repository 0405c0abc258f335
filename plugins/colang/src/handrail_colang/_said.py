"""What custom actions read of the events that they get, and of a model's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_USER, _BOT = "UtteranceUserActionFinished", "StartUtteranceBotAction"
_EVENTS = {"user": (_USER, "final_transcript"), "assistant": (_BOT, "script")}


def events_of(messages: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was said as events: the conversation, with the message and the answer that are judged at its end."""
    spoken = [(message.get("role"), message.get("content")) for message in messages]
    now = max((number for number, (role, _) in enumerate(spoken) if role == "user"), default=0)
    events = [_event(str(role), text) for role, text in spoken[:now] if role in _EVENTS and isinstance(text, str)]
    events.append(_event("user", variables["user_message"]))
    return [*events, _event("assistant", variables["bot_message"])] if "bot_message" in variables else events


def _event(role: str, text: str) -> dict[str, Any]:
    kind, key = _EVENTS[role]
    return {"type": kind, key: text}


def get_last_user_utterance(events: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what the user said last, of the `events` that an action gets."""
    event = get_last_user_utterance_event(events)
    return None if event is None else str(event["final_transcript"])


def get_last_user_utterance_event(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the event of what the user said last."""
    return _last(events, _USER)


def get_last_bot_utterance_event(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the event of what the bot says."""
    return _last(events, _BOT)


def get_colang_history(events: Sequence[Mapping[str, Any]], *others: object, **more: object) -> str:
    """Return what was said in Colang's form; what else the published function takes has no effect."""
    del others, more
    lines = {_USER: ("user", "final_transcript"), _BOT: (" ", "script")}
    told = ((lines[event["type"]], event) for event in events if event.get("type") in lines)
    return "".join(f'{who} "{event[key]}"\n' for (who, key), event in told)


def get_first_nonempty_line(s: str) -> str | None:
    """Return the first line that says something, without blanks around it."""
    return next(iter(get_top_k_nonempty_lines(s, 1) or ()), None)


def get_top_k_nonempty_lines(s: str | None, k: int = 1) -> list[str] | None:
    """Return the first lines that say something; None without a text."""
    if not s:
        return None
    return [line.strip() for line in s.splitlines() if line.strip() and not line.lstrip().startswith("#")][:k]


def strip_quotes(s: str) -> str:
    """Return a text without quotation marks around it."""
    return s.removeprefix('"').removesuffix('"')


def get_multiline_response(s: str) -> str:
    """Return the lines that say something, without blanks around them."""
    return "\n".join(get_top_k_nonempty_lines(s, len(s)) or ())


def warn_if_truncated(*args: object, **kwargs: object) -> None:
    """Do nothing: an answer that was cut off is read as it is, and what cannot be read fails the rail."""


def _last(events: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    return next((event for event in reversed(events) if event.get("type") == kind), None)
