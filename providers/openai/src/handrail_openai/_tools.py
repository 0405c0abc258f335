"""Puts the fragments of tool calls together, as servers number, name and repeat them in ways of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from handrail import ToolCallDelta
from handrail_http import Halves, NotAnEventError, clean, count_of, json_text, word_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail_openai._wire import Json, PlainFragment

_KNOWN = frozenset(("index", "id", "type", "function", "custom", "name", "arguments"))
_KNOWN_INSIDE = frozenset(("name", "arguments", "parameters", "input"))
_MOST_CALLS = 1000
FUNCTION_CALL = "function_call"
"""The type of a call in the form that OpenAI had before `tool_calls`."""


class _Call:
    """One call as far as it came; `beside` is what else its fragments had."""

    def __init__(self, at: int, kind: str) -> None:
        self.at = at
        self.kind = kind
        self.id: str | None = None
        self.name = ""
        self.opened = False
        self.beside: dict[str, Any] = {}
        self._pieces: list[str] = []
        self._sent = 0  # pieces that were handed on
        self._halves = Halves()
        self._complete = False

    @property
    def has_arguments(self) -> bool:
        return bool(self._pieces)

    @property
    def empty(self) -> bool:
        return not (self.name or self._pieces or self.id)

    @property
    def complete(self) -> bool:
        """Whether the arguments are a whole JSON object; free text is whole once another call begins."""
        if not self._complete and self._pieces:
            arguments = "".join(self._pieces)
            self._complete = self.kind == "custom" or (arguments.rstrip().endswith("}") and _is_json(arguments))
        return self._complete

    def take(self, fragment: Json) -> None:
        inside = _inside(fragment)
        self.id = self.id or word_of(fragment.get("id"))
        if not self.opened:
            self._add_name(word_of(inside.get("name")) or "")
        self._add_arguments(_arguments(inside))
        for key, value in fragment.items():
            if key not in _KNOWN and value is not None:
                _merge(self.beside, key, clean(value))
        function = {key: clean(item) for key, item in inside.items() if key not in _KNOWN_INSIDE and item}
        if function and inside is not fragment:
            _merge(self.beside, "function", function)

    def add(self, arguments: str) -> None:
        if arguments := self._halves.feed(arguments):
            self._pieces.append(arguments)

    def finish(self, default: str) -> None:
        """Take the end of the arguments; `default` are those of a call without any."""
        if half := self._halves.finish():
            self._pieces.append(half)
        if not self._pieces and default:
            self._pieces.append(default)

    def next_delta(self, answer_id: str) -> ToolCallDelta | None:
        """Return what has not been handed on; None if there is nothing."""
        arguments, self._sent = "".join(self._pieces[self._sent :]), len(self._pieces)
        kind: Literal["function", "custom"] = "custom" if self.kind == "custom" else "function"
        if self.opened:
            return ToolCallDelta(self.at, arguments=arguments, kind=kind) if arguments else None
        self.opened = True
        self.id = self.id or f"call_{answer_id}_{self.at}"
        return ToolCallDelta(self.at, self.id, self.name, arguments, kind)

    def _add_name(self, piece: str) -> None:
        """Add to the name, which may come in pieces, again, or again and longer."""
        if piece.startswith(self.name):
            self.name = piece
        elif piece:
            self.name += piece

    def _add_arguments(self, piece: object) -> None:
        text = json_text(piece, "the arguments of a tool call")
        if isinstance(piece, str) or not self._pieces or text != "".join(self._pieces):
            self.add(text)  # an object that is sent again is not one more


class ToolCalls:
    """The tool calls of one answer, in the order of their indices.

    A call is handed on once its name is known, which is when arguments come, another call begins or the answer ends;
    and once the calls before it are complete, so that calls never mix. A call without arguments has `{}`. Ids that a
    server leaves out are made up.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        self._first_open = 0  # the first call that was not handed on completely

    def feed(self, fragments: object, answer_id: str) -> tuple[ToolCallDelta, ...]:
        """Take the fragments of one chunk; `answer_id` becomes part of ids that the server leaves out.

        Raises:
            NotAnEventError: they are not fragments of tool calls.
        """
        if not isinstance(fragments, list) or not all(isinstance(fragment, Mapping) for fragment in fragments):
            raise NotAnEventError("the tool calls are not a list of objects")
        for fragment in fragments:
            self._call_of(fragment).take(fragment)
        return tuple(self._released(answer_id))

    def more(self, fragments: Sequence[PlainFragment]) -> tuple[ToolCallDelta, ...] | None:
        """Take more of the arguments of the last call; None, and nothing is taken, if it is not only that."""
        last = self._calls[-1] if self._calls else None
        if last is None or not last.opened or len(fragments) != 1 or self._at.get(fragments[0].index) is not last:
            return None
        last.add(fragments[0].function.arguments)
        delta = last.next_delta("")
        return () if delta is None else (delta,)

    def finish(self, answer_id: str, *, cut: bool) -> tuple[ToolCallDelta, ...]:
        """Return what was held back, since the answer has ended.

        Args:
            answer_id: as in `feed`.
            cut: the answer may have ended within the last call.

        Raises:
            NotAnEventError: a call has no name.
        """
        self._calls = [call for call in self._calls if call.opened or not call.empty]
        found = []
        for call in self._calls:
            if not call.name:
                raise NotAnEventError("a tool call without a name")
            may_be_cut = cut and call is self._calls[-1]
            call.finish("" if may_be_cut or call.kind == "custom" else "{}")
            found.append(call.next_delta(answer_id))
        return tuple(delta for delta in found if delta is not None)

    @property
    def made(self) -> bool:
        """Whether there is any call."""
        return bool(self._calls)

    def beside(self) -> dict[int, dict[str, Any]]:
        """Return what calls have beside id, name and arguments, with the type where it is not `function`."""
        found = {}
        for call in self._calls:
            kind = {} if call.kind == "function" else {"type": call.kind}
            if kind or call.beside:
                found[call.at] = {**kind, **call.beside}
        return found

    def _released(self, answer_id: str) -> Iterator[ToolCallDelta]:
        calls = self._calls
        for call in calls[self._first_open :]:
            if not (call.name and call.has_arguments):
                return
            if (delta := call.next_delta(answer_id)) is not None:
                yield delta
            if call is calls[-1] or not call.complete:
                return
            self._first_open += 1

    def _call_of(self, fragment: Json) -> _Call:
        index = count_of(fragment.get("index"))
        call = self._continued(fragment, index)
        if call is None:
            if len(self._calls) == _MOST_CALLS:
                raise NotAnEventError(f"more than {_MOST_CALLS} tool calls")
            call = _Call(len(self._calls), _kind(fragment))
            self._calls.append(call)
        elif _kind(fragment) == "custom" and not call.opened:
            call.kind = "custom"
        self._at[call.at if index is None else index] = call
        return call

    def _continued(self, fragment: Json, index: int | None) -> _Call | None:
        """Return the call that the fragment continues; None if it opens one."""
        id_, inside = word_of(fragment.get("id")), _inside(fragment)
        name = word_of(inside.get("name"))
        if id_ is not None:
            for call in self._calls:
                if call.id == id_ and (index is None or self._at.get(index) is call or not name):
                    return call
        if index is not None:
            at = self._at.get(index)
            return at if at is not None and _goes_on(at, id_, name, inside) else None
        last = self._calls[-1] if self._calls else None
        if last is None or (id_ and last.id) or (name and last.name):
            return None
        return last


def _goes_on(call: _Call, id_: str | None, name: str | None, inside: Json) -> bool:
    """Return whether a fragment with a call's index is of that call; some servers number all calls alike.

    Others, such as vLLM, have named each fragment anew. A call is opened by its name.
    """
    if id_ and call.id and id_ != call.id:
        return not call.complete and (name is None or (call.has_arguments and name == call.name))
    return not (name and call.complete and _arguments(inside))


def _inside(fragment: Json) -> Json:
    for key in ("function", "custom"):
        if isinstance(inside := fragment.get(key), Mapping):
            return inside
    return fragment if "name" in fragment or "arguments" in fragment else {}


def _arguments(inside: Json) -> object:
    return next((inside[key] for key in ("arguments", "input", "parameters") if inside.get(key) is not None), None)


def _kind(fragment: Json) -> str:
    kind = fragment.get("type")
    if kind == FUNCTION_CALL:
        return FUNCTION_CALL
    return "custom" if kind == "custom" or isinstance(fragment.get("custom"), Mapping) else "function"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _merge(into: dict[str, Any], key: str, value: Any) -> None:
    known = into.get(key)
    into[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
