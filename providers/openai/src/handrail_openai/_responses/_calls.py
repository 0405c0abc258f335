"""The tool calls of one answer of the Responses API, put together as those of Chat Completions are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_http import text_of

from handrail_openai._tools import ToolCalls
from handrail_openai._wire import PlainFragment, PlainFunction

if TYPE_CHECKING:
    from handrail import ToolCallDelta

    from handrail_openai._wire import Json

_READ = frozenset(("arguments", "call_id", "id", "input", "name", "status", "type", "created_by"))


class CallItems:
    """Function calls and calls of custom tools, by their places in the output."""

    def __init__(self) -> None:
        self._calls = ToolCalls()
        self._numbers: dict[int, int] = {}  # which of the answer's calls each item is
        self._with_arguments: set[int] = set()
        self._custom: set[int] = set()

    @property
    def made(self) -> bool:
        """Whether there is any call."""
        return self._calls.made

    def number(self, at: int) -> int:
        """Return which of the answer's calls an item is."""
        return self._numbers.setdefault(at, len(self._numbers))

    def more(self, at: int, arguments: str) -> tuple[ToolCallDelta, ...] | None:
        """Take more of the arguments of the last call; None, and nothing is taken, if it is not only that."""
        if at not in self._with_arguments:
            return None
        return self._calls.more([PlainFragment(self._numbers[at], PlainFunction(arguments))])

    def item(self, at: int, item: Json, answer_id: str, *, done: bool) -> tuple[ToolCallDelta, ...]:
        """Take a call as it begins, or as a whole, of which the arguments count where none has come."""
        kind = "custom" if item.get("type") == "custom_tool_call" else "function"
        arguments = item.get("input" if kind == "custom" else "arguments")
        if kind == "custom":
            self._custom.add(at)
        taken = done and at not in self._with_arguments
        if taken and arguments:
            self._with_arguments.add(at)
        beside = {name: value for name, value in item.items() if name not in _READ and value is not None}
        inside = {"name": item.get("name"), **({"arguments": arguments} if taken else {})}
        fragment = {"id": item.get("call_id") or item.get("id"), "type": kind, kind: inside, **beside}
        return self._feed(at, fragment, answer_id)

    def add(self, at: int, arguments: object, answer_id: str, *, done: bool) -> tuple[ToolCallDelta, ...]:
        """Take a piece of the arguments, or all of them, which count where no piece of them has come.

        Raises:
            NotAnEventError: they are not a text.
        """
        text = text_of(arguments, "the arguments of a tool call")
        if not text or (done and at in self._with_arguments):
            return ()
        self._with_arguments.add(at)
        kind = "custom" if at in self._custom else "function"
        return self._feed(at, {"type": kind, kind: {"arguments": text}}, answer_id)

    def finish(self, answer_id: str, *, cut: bool) -> tuple[ToolCallDelta, ...]:
        """Return what was held back, since the answer has ended.

        Raises:
            NotAnEventError: a call has no name.
        """
        return self._calls.finish(answer_id, cut=cut)

    def beside(self) -> dict[int, dict[str, Any]]:
        """Return what calls have beside id, name and arguments."""
        return self._calls.beside()

    def _feed(self, at: int, fragment: dict[str, Any], answer_id: str) -> tuple[ToolCallDelta, ...]:
        return self._calls.feed([{"index": self.number(at), **fragment}], answer_id)
