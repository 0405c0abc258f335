"""A conversation in OpenAI's form, brought into the form that chat templates read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from handrail.errors import ProviderBadRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import Message


def chat(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages with texts as content, arguments as objects, and leading instructions as one message.

    Raises:
        ProviderBadRequestError: there is no message, or one has content that is not text.
    """
    if not messages:
        raise ProviderBadRequestError("engine 'huggingface' was given no message to answer", engine="huggingface")
    result: list[dict[str, Any]] = []
    for number, message in enumerate(messages, 1):
        plain = {key: value for key, value in message.items() if value is not None}
        plain["role"] = _role(message)
        plain["content"] = _text(message.get("content"))
        if calls := message.get("tool_calls"):
            plain["tool_calls"] = [_with_object(call) for call in calls]
        plain = whole_text(plain, f"message {number}")
        if plain["role"] == "system" and len(result) == 1 and result[0]["role"] == "system":
            result[0]["content"] += f"\n\n{plain['content']}"
        else:
            result.append(plain)
    return result


T = TypeVar("T")


def whole_text(value: T, place: str) -> T:
    """Return a value whose strings can be encoded, however deep they are in it: a split surrogate pair is joined.

    Raises:
        ProviderBadRequestError: half of a pair stands alone; the text of the message names it, and not the rest.
    """
    result: Any = value
    if isinstance(value, str):
        result = _joined(value, place)
    elif isinstance(value, Mapping):
        result = {whole_text(key, place): whole_text(item, f"{place}, {key!a}") for key, item in value.items()}
    elif isinstance(value, list | tuple):
        result = [whole_text(item, place) for item in value]
    return cast("T", result)


def _joined(text: str, place: str) -> str:
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    for at, character in enumerate(joined):
        if "\ud800" <= character <= "\udfff":
            raise ProviderBadRequestError(
                f"{place}: character {at} is a lone surrogate, U+{ord(character):04X}: half of a character, which "
                f"cannot be encoded; join the two halves, or replace it with U+FFFD",
                code="lone_surrogate",
                engine="huggingface",
            )
    return joined


def _role(message: Message) -> str:
    role = message.get("role")
    if not isinstance(role, str):
        raise ProviderBadRequestError(
            f"engine 'huggingface' was given a message without a role: {role!r}", engine="huggingface"
        )
    return "system" if role == "developer" else role


def _text(content: object) -> str:
    """Return the text of a content as it came: half a character is named by whoever checks the message."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list | tuple) and all(map(_is_text, content)):
        return "".join([part["text"] for part in content])
    raise ProviderBadRequestError("engine 'huggingface' reads text; a message has other content", engine="huggingface")


def _is_text(part: object) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)


def _with_object(call: Mapping[str, Any]) -> dict[str, Any]:
    """Chat templates expect arguments as an object, OpenAI's form has them as JSON text."""
    try:
        function = dict(call["function"])
        function["arguments"] = json.loads(function["arguments"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return dict(call)
    return {**call, "function": function}
