"""The state of a conversation that a caller carries from one call to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidRequestError

from nemoguardrails.exceptions import InvalidStateError

if TYPE_CHECKING:
    import handrail
    from handrail import Message

_KEY = "messages"


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
    earlier = state.get(_KEY, [])
    if set(state) - {_KEY} or not isinstance(earlier, list):
        raise InvalidStateError("state has keys that no response gives; pass the state of an earlier response, or {}")
    now = [{"role": "user", "content": prompt}] if messages is None else list(messages)
    return [*earlier, *now]


def context_of(messages: Sequence[Message] | None) -> dict[str, Any]:
    """Return the variables that a caller gives, in messages of the role "context"."""
    found = (message.get("content") for message in messages or () if message.get("role") == "context")
    return {name: value for content in found if isinstance(content, Mapping) for name, value in content.items()}


def next_state(result: handrail.GenerationResponse) -> dict[str, Any]:
    """Return the state after a call. A message that an input rail refused is no part of it, nor is a blocked answer."""
    spoken = [dict(message) for message in result.messages]
    if result.stop is None:
        response = result.response
        answer = [{"role": "assistant", "content": response}] if isinstance(response, str) else response
        return {_KEY: [*spoken, *map(dict, answer)]}
    if result.stop.direction == "input":
        while spoken and spoken[-1]["role"] == "user":
            spoken.pop()
        return {_KEY: spoken}
    return {_KEY: [*spoken, {"role": "assistant", "content": result.stop.message}]}
