"""What every dialect does, and how fragments of tool calls are put in order."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeAlias, cast

from handrail import Blocked, Chunk, Event, Finished, HandrailError, ToolCallDelta

from handrail_hosts._envelope import name_of, plain
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._sse import event

Value: TypeAlias = dict[str, Any]
"""One event of a stream, decoded."""
ErrorKind: TypeAlias = Literal["internal_error", "invalid_request_error"]
"""Whose fault an error is: the guard's or the model's, or the client's."""

BROKE_OFF = "the answer broke off and is not complete"
_CODES: Mapping[ErrorKind, str | None] = {"internal_error": "answer_withheld", "invalid_request_error": None}


class ModelError(HandrailError):
    """The model's server said in its stream that it failed. What it said is not repeated: no rail has judged it."""

    def __init__(self) -> None:
        super().__init__("the model failed, so the answer is not complete")


class Dialect(ABC):
    """Translates one answer in both directions, and remembers of its envelope what the reader needs.

    What a dialect does not know is not passed on, because no rail could judge it.
    """

    _waiting: dict[int, list[ToolCallDelta]] | None = None  # by index, what was released of tool calls

    has_done: ClassVar[bool] = False
    """Whether a stream ends with the mark `[DONE]`."""

    @abstractmethod
    def read(self, value: Value) -> Iterable[Chunk]:
        """Take an event of the model's stream.

        Raises:
            ModelError: it says that the model failed.
            GuardFailedError: it has what rails cannot judge.
        """

    def text_in(self, value: Value) -> str | None:  # noqa: ARG002  # some know none
        """Return the text of an event that has nothing else; None for any other.

        For each event that differs in that text alone, `read` returns a chunk with the text, and takes note of nothing.
        """
        return None

    def chunks(self, value: Value) -> tuple[Chunk, ...]:
        """Take an event of the model's stream, whatever it is.

        Raises:
            ModelError: it says that the model failed.
            GuardFailedError: rails cannot judge it.
        """
        try:
            return tuple(self.read(value))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise GuardFailedError("an event of the answer has a form that is not known") from None

    @abstractmethod
    def write(self, items: Sequence[str | Event]) -> list[Value]:
        """Return events for what the rails have released together, the end of the answer included."""

    def with_calls_last(self, items: Sequence[str | Event]) -> Sequence[str | Event]:
        """Return what was released, with tool calls at the end of an answer that no rail has stopped.

        Clients act on a call at once, and some on the beginning of one, such as LangChain's agents.
        """
        if all(type(item) is str for item in items):
            return items
        found: list[str | Event] = []
        for item in items:
            if isinstance(item, ToolCallDelta) and self.waits(item):
                self._waiting = self._waiting or {}
                self._waiting.setdefault(item.index, []).append(item)
                continue
            if isinstance(item, Finished) and not self.broke_off(item):
                found += map(_whole, (self._waiting or {}).values())
            found.append(item)
        return found

    def waits(self, call: ToolCallDelta) -> bool:  # noqa: ARG002  # in most protocols
        """Return whether this is of a call that a client runs."""
        return True

    def broke_off(self, end: Finished) -> bool:
        """Return whether the answer is not complete."""
        return end.finish_reason is None

    def sent(self, items: Sequence[str | Event]) -> bytes:
        """Return what `write` returns, as it is sent."""
        return b"".join(map(event, self.write(items)))

    @abstractmethod
    def refuse(self, blocked: Blocked) -> list[Value]:
        """Return the events that end an answer which a rail refused."""

    @abstractmethod
    def fail(self, message: str) -> list[Value]:
        """Return the events that end an answer which failed."""

    def error(self, message: str, kind: ErrorKind) -> Value:
        """Return the body of an error that is answered in place of a stream or an answer."""
        return {"error": {"message": message, "type": kind, "code": _CODES[kind], "param": None}}

    @property
    def knows_requests(self) -> bool:
        """Whether `messages` and `put_back` can read requests of the protocol."""
        return True

    @abstractmethod
    def messages(self, body: Value) -> list[Value]:
        """Return the conversation of a request in OpenAI's form, each message with its place as `host_index`."""

    def facts(self, body: Value) -> Value:  # noqa: ARG002  # most protocols have some
        """Return what rails are told of a request beside its conversation: `tools` and `response_format`."""
        return {}

    @abstractmethod
    def put_back(self, body: Value, messages: Sequence[Mapping[str, Any]]) -> Value:
        """Return a request with the conversation as the input rails let it through."""

    @abstractmethod
    def read_whole(self, body: Value) -> Chunk:
        """Take an answer that is not streamed."""

    @abstractmethod
    def write_whole(self, body: Value, text: str, reasoning: str | None, calls: Sequence[Any]) -> Value:
        """Return an answer that is not streamed as the rails let it through."""

    @abstractmethod
    def refuse_whole(self, body: Value | None, blocked: Blocked) -> Value:
        """Return what takes the place of an answer that a rail refused; `body` is None if the model was not asked."""


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    kind: Literal["function", "custom"] = "function"
    held: list[str] = field(default_factory=list)
    opened: bool = False


def _whole(pieces: Sequence[ToolCallDelta]) -> ToolCallDelta:
    return replace(pieces[0], arguments="".join(piece.arguments for piece in pieces))


class Calls:
    """The tool calls of one answer: a call is handed on once its name is known, as rails have to be told it.

    That is when its arguments begin, or the next call does: so calls keep their order.
    """

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}

    def feed(
        self,
        index: int,
        *,
        id: str | None = None,  # noqa: A002  # the protocol's word
        name: str | None = None,
        arguments: object = "",
        kind: Literal["function", "custom"] = "function",
    ) -> Iterator[ToolCallDelta]:
        """Take a fragment."""
        if index not in self._calls:
            yield from self._open_all(lambda call: bool(call.name))
        call = self._calls.setdefault(index, _Call(kind=kind))
        call.id = call.id or plain(id) or ""
        if name and not call.opened:
            call.name = name if name.startswith(call.name) else call.name + name
        piece = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments is not None else ""
        if call.opened:
            if piece:
                yield ToolCallDelta(index, arguments=piece, kind=kind)
            return
        call.held.append(piece)
        if call.name and piece:
            yield self._open(index, call)

    def finish(self) -> Iterator[ToolCallDelta]:
        """Yield what was held back: calls without arguments, and calls without a name."""
        yield from self._open_all(lambda _: True)

    def _open_all(self, is_ready: Callable[[_Call], bool]) -> Iterator[ToolCallDelta]:
        for index, call in self._calls.items():
            if not call.opened and is_ready(call):
                yield self._open(index, call)

    def _open(self, index: int, call: _Call) -> ToolCallDelta:
        call.opened, held = True, "".join(call.held)
        return ToolCallDelta(index, call.id or f"call_{index}", name_of(call.name), held, call.kind)


def only_text(items: Sequence[str | Event]) -> str:
    """Return the text of what was released together; empty if it is not all text."""
    if len(items) == 1:  # as nearly always
        return item if type(item := items[0]) is str else ""
    return "".join(cast("Sequence[str]", items)) if all(type(item) is str for item in items) else ""


def says_failed(value: Mapping[str, Any]) -> bool:
    """Return whether an event is an error, in any of the forms that servers give it, and not of an answer."""
    return bool(value.get("error") or value.get("errors")) or "error" in (value.get("type"), value.get("object"))


def wants_json(form: object) -> bool:
    """Return whether an answer is to be JSON, by the format that was asked for: then words of a refusal are none."""
    return isinstance(form, Mapping) and form.get("type", "text") != "text"


def text_of(content: object) -> str:
    """Return the text of a content: a text, or a list of parts that are all text.

    Raises:
        GuardFailedError: it has parts that rails cannot judge.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    parts = content if isinstance(content, list | tuple) else (content,)
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise GuardFailedError("the answer has parts that are not text, which rails cannot judge")
    return "".join(str(text) for text in texts)
