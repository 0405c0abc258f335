"""Server-sent events, as they are read from a server and written to a client."""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from handrail_mcp._json import NotAMessageError

_WORD = re.compile(r"[\x21-\x7e]{0,512}")
_LINE_END = re.compile(r"\r\n|\r(?!$)|\n")  # a carriage return at the very end may be the half of one


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        kind: its type; empty if it has none.
        text: its data.
        id: where a stream may be resumed; None if it does not say.
        retry: when to connect again; None if it does not say.
    """

    kind: str = ""
    text: str = ""
    id: str | None = None
    retry: str | None = None

    def written(self) -> bytes:
        """Return it as it is sent."""
        lines = [f"event: {self.kind}"] if self.kind else []
        lines += [f"id: {self.id}"] if self.id is not None else []
        lines += [f"retry: {self.retry}"] if self.retry is not None else []
        lines += [f"data: {line}" for line in self.text.split("\n")]
        return ("\n".join(lines) + "\n\n").encode()


async def events_of(parts: AsyncIterator[bytes], limit: int) -> AsyncGenerator[Event]:
    """Yield the events of a stream; one that breaks off is none.

    Raises:
        NotAMessageError: an event exceeds the limit of bytes, or is not text.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    left, lines, size = "", [], 0
    async for part in parts:
        try:
            left += decoder.decode(part)
        except UnicodeDecodeError as exc:
            raise NotAMessageError("the event is not valid UTF-8") from exc
        *whole, left = _LINE_END.split(left)
        size += len(part)
        for line in whole:
            if line:
                lines.append(line)
            elif lines:
                yield _event(lines)
                lines, size = [], len(left)
        if size > limit:
            raise NotAMessageError(f"an event exceeds the limit of {limit} bytes")


def _event(lines: list[str]) -> Event:
    kind, data, event_id, retry = "", [], None, None
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and _WORD.fullmatch(value):  # any other is a text, which no rail would judge
            event_id = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            retry = value
    return Event(kind, "\n".join(data), event_id, retry)
