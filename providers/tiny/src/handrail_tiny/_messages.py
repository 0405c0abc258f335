"""Conversations in OpenAI's form, brought into the form that the model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail.errors import ProviderBadRequestError

from handrail_tiny._prompt import ROLES, Message

if TYPE_CHECKING:
    from collections.abc import Sequence


def normalise(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Give each message a role that the model knows and text for content; make leading instructions one.

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
        content = _text(message.get("content"))
        if role == "system" and len(result) == 1 and result[0]["role"] == "system":
            result[0]["content"] += f"\n{content}"
        else:
            result.append({"role": role, "content": content, "tool_calls": message.get("tool_calls") or ()})
    return result


def _text(content: object) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        return "".join(str(part["text"]) for part in content)
    raise ProviderBadRequestError("engine 'tiny' reads text only; a message has other content", engine="tiny")
