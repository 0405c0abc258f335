"""Reasoning and signatures that the model needs on its next turn: kept here under its tool call.

DeepSeek, Kimi, MiniMax, Claude and Gemini refuse or lose the thread of a conversation whose tool calls come back
without. Clients do not get all of it, and of what they get, many keep nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail_server._beside import REASONING, wire_of

if TYPE_CHECKING:
    from handrail import GenerationResponse

Message = Mapping[str, Any]

_SECONDS = 3600
_MOST = 64 * 1024 * 1024
_BEGINNING = hashlib.sha256().digest_size  # of a key: all of it that can be made without reading arguments


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
        self._beginnings: Counter[bytes] = Counter()
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
        self._beginnings[key[:_BEGINNING]] += 1
        self._size += size
        while self._size > self._most or self._is_over(next(iter(self._entries.values()))[0]):
            self.take(next(iter(self._entries)))

    def get(self, key: bytes) -> Mapping[str, Any]:
        """Return what is kept under a key."""
        until, _, fields = self._entries.get(key, (0.0, 0, {}))
        return {} if self._is_over(until) else fields

    def take(self, key: bytes) -> None:
        """Forget what is kept under a key."""
        if key not in self._entries:
            return
        self._size -= self._entries.pop(key)[1]
        self._beginnings[key[:_BEGINNING]] -= 1
        if not self._beginnings[key[:_BEGINNING]]:
            del self._beginnings[key[:_BEGINNING]]

    def has(self, beginning: bytes) -> bool:
        """Return whether anything is kept under a key that begins so."""
        return beginning in self._beginnings

    def _is_over(self, until: float) -> bool:
        return until <= self._clock()


class OwnReasoning:
    """What is kept for one client. It comes back only beside the very call that it led to."""

    def __init__(self, kept: KeptReasoning, owner: str) -> None:
        self._kept = kept
        self._owner = owner

    def keep(self, response: GenerationResponse) -> None:
        """Keep what the model needs back beside its calls; of what a client gets of it, many keep nothing."""
        if not response.tool_calls:
            return
        wire = wire_of(response)
        unguarded = wire.get("unguarded") or {}
        fields = {name: value for name, value in unguarded.get("message", {}).items() if name in REASONING}
        fields = {**unguarded.get("next_turn", {}), **fields, **_beside_calls(wire, len(response.tool_calls))}
        if fields:
            call = response.tool_calls[0]
            key = self._beginning(call.id, call.name) + _said(call.arguments)
            self._kept.put(key, fields, len(json.dumps(fields)))

    def put_back(self, messages: Sequence[Message]) -> list[Message]:
        """Return the conversation with what was kept, in place of what its client has sent of it."""
        return [
            _completed(message, self._found(message)) if message.get("tool_calls") else message for message in messages
        ]

    def _found(self, message: Message) -> Mapping[str, Any]:
        try:
            call = message["tool_calls"][0]
            inside = call.get("function") or call["custom"]
            said = inside["arguments"] if "arguments" in inside else inside["input"]
            beginning = self._beginning(str(call["id"]), str(inside["name"]))
            return self._kept.get(beginning + _said(str(said))) if self._kept.has(beginning) else {}
        except (AttributeError, IndexError, KeyError, TypeError):  # no tool call; the model's server will say so
            return {}

    def _beginning(self, id: str, name: str) -> bytes:  # noqa: A002  # the protocol's own word
        return hashlib.sha256(json.dumps((self._owner, id, name)).encode()).digest()


def _beside_calls(wire: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return what each call has beside id, name and arguments, such as Gemini's signatures; nothing if none has."""
    told = wire.get("tool_calls") or {}
    beside = [{name: value for name, value in told.get(at, {}).items() if name != "type"} for at in range(count)]
    return {"tool_calls": beside} if any(beside) else {}


def _completed(message: Message, found: Mapping[str, Any]) -> Message:
    if not found:
        return message
    beside = itertools.chain(found.get("tool_calls", ()), itertools.repeat({}))
    calls = [{**kept, **call} for kept, call in zip(beside, message["tool_calls"], strict=False)]
    return {**message, **found, "tool_calls": calls}


def _said(arguments: str) -> bytes:
    """Return the same for arguments that mean the same, however they are written."""
    with contextlib.suppress(ValueError, RecursionError):  # else they are compared as they are
        arguments = json.dumps(json.loads(arguments), sort_keys=True)
    return hashlib.sha256(arguments.encode("utf-8", "surrogatepass")).digest()
