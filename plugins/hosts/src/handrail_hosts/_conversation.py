"""The messages of a host as rails see them, and back: what rails left alone stays the host's own object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from handrail import Message

HostT = TypeVar("HostT")
KEY = "host_index"


class Conversation(Generic[HostT]):
    """Pairs messages in OpenAI's form with what the host has in their place.

    Rails may change a message, and may take messages out of a history. Each message has its place under the key
    `host_index`, so that what is left can be told.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._hosts: list[HostT] = []

    def add(self, host: HostT, message: Mapping[str, Any]) -> None:
        """Add a message, and what the host has for it."""
        self.messages.append({**message, KEY: len(self._hosts)})
        self._hosts.append(host)

    def judged(self, messages: Sequence[Message]) -> Iterator[tuple[HostT, Message | None]]:
        """Yield what the rails left of the conversation: the host's own, and the message where it was changed."""
        for message in messages:
            index = message[KEY]
            yield self._hosts[index], message if message != self.messages[index] else None


def without_key(message: Message) -> dict[str, Any]:
    """Return a message without its place."""
    return {name: value for name, value in message.items() if name != KEY}


def texts_of(content: object) -> list[str]:
    """Return the texts of a content in order: one of a plain text, those of its text parts else."""
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list | tuple) else ()
    return [part["text"] for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
