"""The state of a conversation that a caller carries from one call to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidRequestError, message_of

from nemoguardrails._events import as_events, conversation_of
from nemoguardrails.exceptions import InvalidStateError

if TYPE_CHECKING:
    import handrail
    from handrail import Message

_KEY = "events"


def conversation(state: object, prompt: str | None, messages: Sequence[Message] | None) -> list[Message]:
    """Return the conversation of a state, with what is said now at its end.

    Raises:
        InvalidStateError: the state is none that a call has given.
        InvalidRequestError: not exactly one of prompt and messages was passed.
    """
    if (prompt is None) == (messages is None):
        raise InvalidRequestError("pass either 'prompt' or 'messages'")
    if not isinstance(state, Mapping):
        raise InvalidStateError(f"state is {type(state).__name__}; pass the state of an earlier response, or {{}}")
    events = state.get(_KEY, [])
    if set(state) - {_KEY} or not isinstance(events, list):
        raise InvalidStateError("state has keys that no response gives; pass the state of an earlier response, or {}")
    try:
        earlier = conversation_of(events)
    except ValueError as exc:
        raise InvalidStateError(f"state: {message_of(exc)}; pass the state of an earlier response, or {{}}") from exc
    now = [{"role": "user", "content": prompt}] if messages is None else list(messages)
    return [*earlier, *now]


def context_of(messages: Sequence[Message] | None) -> dict[str, Any]:
    """Return the variables that a caller gives, in messages of the role "context"."""
    given = messages if isinstance(messages, list | tuple) else ()  # whoever reads the rest says what is wrong
    said = [message for message in given if isinstance(message, Mapping) and message.get("role") == "context"]
    found = (message.get("content") for message in said)
    return {name: value for content in found if isinstance(content, Mapping) for name, value in content.items()}


def as_state(spoken: Sequence[Message]) -> dict[str, Any]:
    """Return the state of a conversation."""
    return {_KEY: as_events(spoken)}


def spoken_after(result: handrail.GenerationResponse) -> list[Message]:
    """Return the conversation after a call, of which what a rail refused is no part."""
    spoken: list[Message] = [dict(message) for message in result.messages]
    if result.stop is None:
        response = result.response
        answer = [{"role": "assistant", "content": response}] if isinstance(response, str) else response
        return [*spoken, *map(dict, answer)]
    if result.stop.direction == "input":
        while spoken and spoken[-1]["role"] == "user":
            spoken.pop()
        return spoken
    return [*spoken, {"role": "assistant", "content": result.stop.message}]
