"""The conversation that a caller passes: checked, and taken apart into what models and rails need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handrail._call.units import pending_between
from handrail._content import MessageTexts, message_text
from handrail._nearest import did_you_mean
from handrail._types import Message
from handrail.errors import InvalidRequestError

ROLES = ("user", "assistant", "system", "developer", "tool", "context", "event")
_NOT_FOR_MODELS = ("context", "event")
_INSTEAD_OF_TEXT = ("tool_calls", "function_call", "refusal", "audio")  # what an assistant's message may have alone


@dataclass(frozen=True, slots=True)
class Conversation:
    """A caller's messages.

    Attributes:
        messages: what a model sees.
        variables: the contents of `context` messages, later ones over earlier ones.
        is_prompt: True if a plain prompt was passed instead of messages.
    """

    messages: tuple[Message, ...]
    variables: Mapping[str, Any]
    is_prompt: bool = False

    @property
    def user_message(self) -> str:
        """The text of the user's messages since the assistant last spoke, a line each, or else of the last one."""
        pending = self._pending()
        if len(pending) == 1:
            return message_text(self.messages[pending[0]])
        if pending:
            return "\n".join(message_text(self.messages[index]) for index in pending)
        return next((message_text(m) for m in reversed(self.messages) if m["role"] == "user"), "")

    @property
    def user_content(self) -> str:
        """What `user_message` says: its texts, and of JSON the keys and leaves."""
        found = [self.messages[index] for index in self._pending()]
        return MessageTexts(found or [m for m in self.messages if m["role"] == "user"][-1:]).content

    def replaced(self, messages: Mapping[int, Message]) -> Conversation:
        """Return the conversation with other messages at some places; the same one if they are the same."""
        if all(self.messages[index] is message for index, message in messages.items()):
            return self
        return replace(self, messages=tuple(messages.get(n, message) for n, message in enumerate(self.messages)))

    def _pending(self) -> list[int]:
        return [index for index in range(*pending_between(self.messages)) if self.messages[index]["role"] == "user"]


def conversation(prompt: str | None, messages: Sequence[Message] | None) -> Conversation:
    """Check what a caller passed.

    Raises:
        InvalidRequestError: both or neither were passed, the list is empty, or a message is not one.
    """
    if (prompt is None) == (messages is None):
        found = "both" if prompt is not None else "neither"
        raise InvalidRequestError(f"pass either 'prompt' or 'messages'; {found} were given")
    if prompt is not None:
        if not isinstance(prompt, str):
            raise InvalidRequestError(f"'prompt' must be text, not {type(prompt).__name__}")
        return Conversation(({"role": "user", "content": prompt},), {}, is_prompt=True)
    if not isinstance(messages, list | tuple):
        raise InvalidRequestError(f"'messages' must be a list of messages, not {type(messages).__name__}")
    if not messages:
        raise InvalidRequestError("'messages' is empty; pass at least one message, or a 'prompt'")
    variables: dict[str, Any] = {}
    for index, message in enumerate(messages):
        _check(index, message)
        if message["role"] == "context":
            variables.update(message["content"])
    return Conversation(tuple(m for m in messages if m["role"] not in _NOT_FOR_MODELS), variables)


def _check(index: int, message: object) -> None:
    where = f"messages[{index}]"
    if not isinstance(message, Mapping):
        raise InvalidRequestError(f"{where} must be a mapping with 'role' and 'content', not {type(message).__name__}")
    role = message.get("role")
    if role not in ROLES:
        hint = did_you_mean(role, ROLES) if isinstance(role, str) else ""
        found = "an unknown role" if isinstance(role, str) else f"a role of the type {type(role).__name__}"
        raise InvalidRequestError(f"{where} has {found}; roles are {', '.join(ROLES)}{hint}")
    content = message.get("content")
    if role == "context":
        if not isinstance(content, Mapping):
            kind = type(content).__name__
            raise InvalidRequestError(f"{where} has the role 'context', so its content must be a mapping, not {kind}")
    elif role != "event" and not (content is None and role == "assistant" and any(map(message.get, _INSTEAD_OF_TEXT))):
        _check_content(where, content)


def _check_content(where: str, content: object) -> None:
    """Refuse whatever rails could not see the text of."""
    if content is None:
        raise InvalidRequestError(f"{where} has no content")
    if not isinstance(content, str | list | tuple):
        kind = type(content).__name__
        raise InvalidRequestError(f"{where} has a content of the type {kind}; it must be text or a list of parts")
    for number, part in enumerate(() if isinstance(content, str) else content):
        if not isinstance(part, Mapping):
            raise InvalidRequestError(
                f"{where}.content[{number}] is of the type {type(part).__name__}; "
                "a part is a mapping such as {'type': 'text', 'text': ...}"
            )
        if not isinstance(text := part.get("text", None if part.get("type") == "text" else ""), str):
            raise InvalidRequestError(
                f"{where}.content[{number}] has a 'text' of the type {type(text).__name__}; it must be a string"
            )
