"""Puts fragments of tool calls in order, as the models behind LangChain number and name them in ways of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail import ProviderError, ToolCallDelta


class _Call:
    def __init__(self, at: int) -> None:
        self.at = at
        self.id: str | None = None
        self.name = ""
        self.arguments: list[str] = []
        self.sent = 0  # pieces that were handed on
        self.opened = False

    def take(self, fragment: Mapping[str, Any]) -> None:
        self.id = self.id or _text(fragment.get("id")) or None
        piece = _text(fragment.get("name"))
        if not self.opened:
            self.name = piece if piece.startswith(self.name) else self.name + piece
        arguments = fragment.get("args")
        if arguments is not None and arguments != "":
            self.arguments.append(arguments if isinstance(arguments, str) else json.dumps(arguments))

    @property
    def complete(self) -> bool:
        try:
            json.loads("".join(self.arguments))
        except (ValueError, RecursionError):
            return False
        return True

    def next_delta(self) -> ToolCallDelta | None:
        arguments, self.sent = "".join(self.arguments[self.sent :]), len(self.arguments)
        if self.opened:
            return ToolCallDelta(self.at, arguments=arguments) if arguments else None
        self.opened = True
        return ToolCallDelta(self.at, self.id or f"call_{self.at}", self.name, arguments)


class ToolCalls:
    """The tool calls of one answer: each is handed on once its name is known and those before it are complete.

    LangChain's index counts all parts of a content with some models, is a text with others, and missing with some;
    then the id tells calls apart.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._calls: list[_Call] = []
        self._at: dict[object, _Call] = {}

    def feed(self, fragments: Sequence[Mapping[str, Any]]) -> tuple[ToolCallDelta, ...]:
        """Take the fragments of one piece."""
        for fragment in fragments:
            self._call_of(fragment).take(fragment)
        return tuple(self._released())

    def finish(self, *, cut: bool) -> tuple[ToolCallDelta, ...]:
        """Return what was held back, since the answer has ended.

        Args:
            cut: it may have ended within the last call.

        Raises:
            ProviderError: a call has no name.
        """
        for call in self._calls:
            if not call.name:
                raise ProviderError("the model made a tool call without a name", engine=self._engine)
            if not call.arguments and not (cut and call is self._calls[-1]):
                call.arguments = ["{}"]
        return tuple(delta for call in self._calls if (delta := call.next_delta()) is not None)

    def _released(self) -> Iterator[ToolCallDelta]:
        for call in self._calls:
            if not (call.name and call.arguments):
                return
            if (delta := call.next_delta()) is not None:
                yield delta
            if call is not self._calls[-1] and not call.complete:
                return

    def _call_of(self, fragment: Mapping[str, Any]) -> _Call:
        index, id_ = fragment.get("index"), _text(fragment.get("id"))
        last = self._calls[-1] if self._calls else None
        if index is not None:
            found = self._at.get(index)
            if found is not None and id_ and found.id and found.id != id_ and fragment.get("name"):
                found = None
        elif id_:
            found = next((call for call in self._calls if call.id == id_), None)
        else:
            found = None if last is None or (fragment.get("name") and last.name) else last
        if found is None:
            found = _Call(len(self._calls))
            self._calls.append(found)
        if index is not None:
            self._at[index] = found
        return found


def _text(value: object) -> str:
    return "" if value is None else str(value)
