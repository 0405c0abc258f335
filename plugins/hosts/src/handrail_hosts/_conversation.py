"""The messages of a host as rails see them, and back: what rails left alone stays the host's own object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from handrail_hosts._errors import GuardFailedError

if TYPE_CHECKING:
    from handrail import Message

HostT = TypeVar("HostT")
KEY = "host_index"


class Conversation(Generic[HostT]):
    """Pairs messages in OpenAI's form with what the host has in their place.

    Rails may change a message, and may take messages out of a history. Each message has its place under the key
    `host_index`, so that what is left can be told; a placeholder of the rails has none.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._hosts: list[HostT | None] = []
        self._beside: set[int] = set()

    def add(self, host: HostT, message: Mapping[str, Any], beside: Iterable[str] = ()) -> None:
        """Add a message, and what the host has for it.

        Args:
            host: the host's own.
            message: what rails are shown of it.
            beside: what it says where no rail looks, which is judged as a message of its own.
        """
        self._append(host, message)
        if message.get("role") != "assistant":
            self.add_beside(message.get("role"), beside)

    def add_beside(self, role: object, texts: Iterable[str]) -> None:
        """Add what a request says in no message: it is judged, and cannot be changed."""
        if text := "\n".join(texts):
            self._beside.add(len(self.messages))
            self._append(None, {"role": role, "content": text})

    def judged(self, messages: Sequence[Message]) -> Iterator[tuple[HostT, Message | None]]:
        """Yield what the rails left of the conversation: the host's own, and the message where it was changed.

        Raises:
            GuardFailedError: a rail has changed what cannot be changed.
        """
        index, is_replaced = -1, False
        for message in messages:
            index = message[KEY] if KEY in message else self._place(message, index)
            changed = message if message != self.messages[index] else None
            if index not in self._beside:
                is_replaced = KEY not in message
                yield self._hosts[index], changed  # type: ignore[misc]  # it has a host
            elif changed is not None and not is_replaced:
                raise GuardFailedError("a rail changed what a request says beside its texts, which is not supported")

    def _append(self, host: HostT | None, message: Mapping[str, Any]) -> None:
        self.messages.append({**message, KEY: len(self._hosts)})
        self._hosts.append(host)

    def _place(self, placeholder: Message, after: int) -> int:
        """Return which message a placeholder stands for: the first of its role after those before it."""
        for index in range(after + 1, len(self.messages)):
            if self.messages[index]["role"] == placeholder["role"]:
                return index
        raise GuardFailedError("a rail put a message into the conversation, which is not supported")


def is_placeholder(message: Mapping[str, Any]) -> bool:
    """Return whether rails have put a message in the place of one that they refused."""
    return KEY not in message


def without_key(message: Message) -> dict[str, Any]:
    """Return a message without its place."""
    return {name: value for name, value in message.items() if name != KEY}


def texts_of(content: object) -> list[str]:
    """Return the texts of a content in order: one of a plain text, those of its parts that have one else."""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content if has_text(part)] if isinstance(content, list | tuple) else []


def has_text(part: object) -> bool:
    """Return whether rails read the text of a part, whatever its type says."""
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)
