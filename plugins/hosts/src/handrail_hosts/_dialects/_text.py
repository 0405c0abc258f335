"""A protocol of one's own: each event is an object with a field for the next text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from handrail import Blocked, Chunk, Event, Finished

from handrail_hosts._dialects._base import Dialect, ErrorKind, ModelError, Value, says_failed, text_of
from handrail_hosts._errors import GuardFailedError


class TextDialect(Dialect):
    """Events such as `{"text": "Good "}`. A refusal is `{"blocked": "..."}`, a failure `{"failed": "..."}`.

    Args:
        field: where the text is.
        passes: fields that are passed on as they are, unjudged, once the whole answer was delivered.
    """

    def __init__(self, field: str = "text", passes: Collection[str] = ()) -> None:
        self._field = field
        self._passes = passes
        self._last: Value = {}

    def read(self, value: Value) -> Iterable[Chunk]:
        """Take an event."""
        if says_failed(value):
            raise ModelError
        self._last |= {name: value[name] for name in self._passes if name in value}
        text = text_of(value.get(self._field))
        return (Chunk(text),) if text else ()

    def text_in(self, value: Value) -> str | None:
        """Return the text of an event that has nothing else."""
        text = value.get(self._field)
        return text if len(value) == 1 and type(text) is str else None

    def write(self, items: Sequence[str | Event]) -> list[Value]:
        """Return an event for what was released."""
        text = "".join(item for item in items if type(item) is str)
        values: list[Value] = [{self._field: text}] if text else []
        if isinstance(items[-1], Blocked):
            values += self.refuse(items[-1])
        elif isinstance(items[-1], Finished) and self._last:
            values.append(self._last)
        return values

    def refuse(self, blocked: Blocked) -> list[Value]:
        """Return what is shown instead."""
        return [{"blocked": blocked.message}]

    def fail(self, message: str) -> list[Value]:
        """Return that it failed."""
        return [{"failed": message}]

    def error(self, message: str, kind: ErrorKind) -> Value:  # noqa: ARG002  # it has one form for all
        """Return that it failed."""
        return {"failed": message}

    @property
    def knows_requests(self) -> bool:
        """False, unless a subclass reads them."""
        return type(self).messages is not TextDialect.messages

    def messages(self, body: Value) -> list[Value]:  # noqa: ARG002
        """Raise: a protocol of one's own has requests of one's own."""
        raise GuardFailedError("the requests of this protocol are not known; pass 'messages' to the guard")

    def put_back(self, body: Value, messages: Sequence[Mapping[str, Any]]) -> Value:  # noqa: ARG002
        """Raise, as `messages` does."""
        raise GuardFailedError("the requests of this protocol are not known; pass 'messages' to the guard")

    def read_whole(self, body: Value) -> Chunk:
        """Take an object that has the whole text."""
        return next(iter(self.read(body)), Chunk())

    def write_whole(self, body: Value, text: str, reasoning: str | None, calls: Sequence[Any]) -> Value:  # noqa: ARG002
        """Return the object with the text as the rails let it through."""
        return {self._field: text, **self._last}

    def refuse_whole(self, body: Value | None, blocked: Blocked) -> Value:  # noqa: ARG002
        """Return what is shown instead."""
        return {"blocked": blocked.message}
