"""Reasoning that clients do not get and that the model needs on its next turn: kept here under its tool call.

DeepSeek, Kimi, MiniMax, and Claude and Gemini behind OpenRouter refuse or lose the thread of a conversation whose
tool calls come back without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail_server._beside import REASONING, wire_of

if TYPE_CHECKING:
    from handrail import GenerationResponse

Message = Mapping[str, Any]

_SIGNED = frozenset(("reasoning_items", "thinking_blocks"))
_SECONDS = 3600
_MOST = 64 * 1024 * 1024


class KeptReasoning:
    """What is kept for all clients, for an hour, up to a number of bytes; the oldest goes first.

    Args:
        seconds: how long it is kept.
        most: bytes, about.
        clock: gives seconds.
    """

    def __init__(
        self, *, seconds: float = _SECONDS, most: int = _MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._entries: OrderedDict[bytes, tuple[float, int, Mapping[str, Any]]] = OrderedDict()
        self._size = 0

    def of(self, owner: str, ids: Sequence[str]) -> OwnReasoning:
        """Return what is kept for one client of some configurations."""
        return OwnReasoning(self, "\0".join((owner, *ids, "")))

    def put(self, key: bytes, fields: Mapping[str, Any], size: int) -> None:
        """Keep fields, if they are not too many."""
        self.take(key)
        if size > self._most:
            return
        self._entries[key] = (self._clock() + self._seconds, size, fields)
        self._size += size
        while self._size > self._most or self._is_over(next(iter(self._entries.values()))[0]):
            self.take(next(iter(self._entries)))

    def get(self, key: bytes) -> Mapping[str, Any]:
        """Return what is kept under a key."""
        until, _, fields = self._entries.get(key, (0.0, 0, {}))
        return {} if self._is_over(until) else fields

    def take(self, key: bytes) -> None:
        """Forget what is kept under a key."""
        _, size, _ = self._entries.pop(key, (0.0, 0, {}))
        self._size -= size

    def _is_over(self, until: float) -> bool:
        return until <= self._clock()


class OwnReasoning:
    """What is kept for one client. It comes back only beside the very call that it led to."""

    def __init__(self, kept: KeptReasoning, owner: str) -> None:
        self._kept = kept
        self._owner = owner

    def keep(self, response: GenerationResponse) -> None:
        """Keep what this answer's client does not have, if the answer has a tool call."""
        if not response.tool_calls:
            return
        unguarded = wire_of(response).get("unguarded") or {}
        fields = {name: value for name, value in unguarded.get("message", {}).items() if name in REASONING}
        if not response.reasoning_content or fields.keys() & _SIGNED:  # which are worth nothing without their text
            fields = {**unguarded.get("next_turn", {}), **fields}
        if fields:
            call = response.tool_calls[0]
            self._kept.put(self._key(call.id, call.name, call.arguments), fields, len(json.dumps(fields)))

    def put_back(self, messages: Sequence[Message]) -> list[Message]:
        """Return the conversation with what was kept, where its client has not sent it itself."""
        return [{**self._found(message), **message} if message.get("tool_calls") else message for message in messages]

    def _found(self, message: Message) -> Mapping[str, Any]:
        try:
            call = message["tool_calls"][0]
            inside = call.get("function") or call["custom"]
            said = inside["arguments"] if "arguments" in inside else inside["input"]
            return self._kept.get(self._key(str(call["id"]), str(inside["name"]), str(said)))
        except (AttributeError, IndexError, KeyError, TypeError):  # no tool call; the model's server will say so
            return {}

    def _key(self, id: str, name: str, arguments: str) -> bytes:  # noqa: A002  # the protocol's own word
        with contextlib.suppress(ValueError, RecursionError):  # else it is compared as it is
            arguments = json.dumps(json.loads(arguments), sort_keys=True)
        parts = json.dumps((self._owner, id, name, arguments))
        return hashlib.sha256(parts.encode()).digest()
