"""An answer of an ASGI application that is not streamed, and an error: what of it may go to the client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail import Chunk, HandrailError

from handrail_hosts._dialects._base import BROKE_OFF, ModelError
from handrail_hosts._errors import AnswerRefusedError

if TYPE_CHECKING:
    from handrail import Message

    from handrail_hosts._dialects import Dialect
    from handrail_hosts._guard import HostGuard

_FAILED = "the answer was withheld, because it could not be checked"
_JSON = b"application/json"
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What is raised where a value has a form that is not known."""


def told_of(error: Exception | None = None) -> str:
    """Return what a client is told in place of an answer: that its model failed, or that no rail could judge it."""
    is_ours = error is None or (isinstance(error, HandrailError) and not isinstance(error, ModelError))
    return _FAILED if is_ours else BROKE_OFF


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client gets: a status, a body, and its type; no type for no body."""

    status: int
    body: bytes = b""
    kind: bytes = b""


class WholeJudge:
    """Judges what an application answers at once.

    Args:
        guard: the rails.
        dialect: the protocol of the answer.
        messages: the conversation, which output rails are told.
        request: further facts of the request for the rails: `tools`, `response_format`.
    """

    def __init__(
        self, guard: HostGuard, dialect: Dialect, messages: Sequence[Message], request: Mapping[str, Any]
    ) -> None:
        self._guard = guard
        self._dialect = dialect
        self._messages = messages
        self._request = request

    async def answer(self, status: int, body: bytes) -> Reply:
        """Return an answer of the protocol as rails let it through."""
        try:
            value = json.loads(body)
            chunk = self._dialect.read_whole(value)
            guarded = await self._guard.whole(
                self._messages, lambda _: _only(chunk), judge_input=False, **self._request
            )
            reasoning = None if self._guard.withholds_reasoning else guarded.reasoning_content
            written = self._dialect.write_whole(value, guarded.text, reasoning, guarded.tool_calls)
        except AnswerRefusedError as refused:
            written = self._dialect.refuse_whole(None, refused.blocked)
        except ModelError as error:
            return self.withheld(502, error)
        except (HandrailError, *UNREADABLE):
            return self.withheld(502)
        return Reply(status, json.dumps(written).encode(), _JSON)

    async def error(self, status: int, kind: bytes, body: bytes) -> Reply:
        """Return an error as it is where output rails let its words pass, which may be a model's; else its status."""
        if not body:
            return Reply(status)
        try:
            text = "\n".join(_texts(json.loads(body))) if kind.endswith(b"json") else _plain_text(kind, body)
            said = {"role": "assistant", "content": text}
            if text and (await self._guard.check_output(said)).content != text:
                return self.withheld(status)
        except (HandrailError, *UNREADABLE):
            return self.withheld(status)
        return Reply(status, body, kind)

    def withheld(self, status: int, error: Exception | None = None) -> Reply:
        """Return what takes the place of what rails cannot judge, or of an answer whose model has failed."""
        return Reply(status, json.dumps(self._dialect.error(told_of(error), "internal_error")).encode(), _JSON)


def _plain_text(kind: bytes, body: bytes) -> str:
    if kind == b"text/event-stream" or (kind and not kind.startswith(b"text/")):
        raise ValueError("it is not a text")
    return body.decode()


def _texts(value: object) -> Iterator[str]:
    """Yield all texts of a JSON value, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield name
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


async def _only(chunk: Chunk) -> AsyncIterator[Chunk]:
    yield chunk
