"""Conversations in OpenAI's form, brought into the form that the model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail import message_text
from handrail.errors import ProviderBadRequestError

from handrail_tiny._prompt import ROLES, Message

if TYPE_CHECKING:
    from collections.abc import Sequence


def normalise(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages with roles that the model knows and text for content; make leading instructions one.

    Raises:
        ProviderBadRequestError: there is no message, or one has a role or content that the model cannot read.
    """
    if not messages:
        raise ProviderBadRequestError("engine 'tiny' was given no message to answer", engine="tiny")
    result: list[dict[str, Any]] = []
    for message in messages:
        role = "system" if message.get("role") == "developer" else message.get("role")
        if role not in ROLES:
            raise ProviderBadRequestError(
                f"engine 'tiny' cannot read a message of the role {role!r}; it knows {', '.join(ROLES)}",
                engine="tiny",
            )
        content = _text(message)
        if role == "system" and len(result) == 1 and result[0]["role"] == "system":
            result[0]["content"] += f"\n{content}"
        else:
            result.append({"role": role, "content": content, "tool_calls": message.get("tool_calls") or ()})
    return result


def _text(message: Message) -> str:
    content = message.get("content")
    if content is None or isinstance(content, str) or (isinstance(content, list) and all(map(_is_text, content))):
        return message_text(message)
    raise ProviderBadRequestError("engine 'tiny' reads text only; a message has other content", engine="tiny")


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
