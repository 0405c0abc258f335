"""What the protocol server sends, byte by byte: a status, headers, and the steps of a body."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail_testkit._completions import Completion, Json, error_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DONE = b"data: [DONE]\n\n"


class Ending(Enum):
    """A way in which a body stops without being complete."""

    HANG = "hang"
    """Send nothing more, and keep the connection until the client closes it."""
    CLOSE = "close"
    """Close the connection in good order (FIN) where more was due."""
    RESET = "reset"
    """Break the connection (RST)."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next step, in seconds."""

    seconds: float


Step: TypeAlias = bytes | Pause | Ending
Framing: TypeAlias = Literal["chunked", "length", "close"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response.

    Attributes:
        steps: the body. Each `bytes` reaches the client as a piece of its own, however many share a packet.
        status: the HTTP status.
        headers: added to `content-type` and `x-request-id`, or in their place.
        framing: how the body is delimited: in HTTP chunks, by `content-length`, or by the connection's end.
        burst: write neighbouring pieces to the socket at once, so that several arrive in one segment.
        before_headers: what happens before anything is sent: None, a pause, or an ending.
    """

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = "chunked"
    burst: bool = False
    before_headers: Pause | Ending | None = None

    def then(self, *steps: Step) -> Reply:
        """Return the same reply with further steps."""
        return replace(self, steps=(*self.steps, *steps))


def event(payload: Json | str, *, eol: str = "\n", name: str | None = None) -> bytes:
    """Return one server-sent event; a mapping is sent as JSON."""
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    named = f"event: {name}{eol}" if name else ""
    return f"{named}data: {text}{eol}{eol}".encode()


def comment(text: str = "keep-alive") -> bytes:
    """Return a comment, as servers send them to keep a connection alive."""
    return f": {text}\n\n".encode()


def stream(
    completion: Completion,
    model: str = "test-model",
    *,
    include_usage: bool = True,
    eol: str = "\n",
    done: bool = True,
) -> tuple[bytes, ...]:
    """Return the events of a streamed answer, `[DONE]` included."""
    events = [event(chunk, eol=eol) for chunk in completion.chunks(model, include_usage=include_usage)]
    return (*events, event("[DONE]", eol=eol)) if done else tuple(events)


def cut(body: bytes, *, every: int | None = None, at: Sequence[int] = (), seed: int | None = None) -> tuple[bytes, ...]:
    """Cut a body into pieces: of equal size, at these offsets, or at random ones drawn from the seed."""
    if every is not None:
        at = range(every, len(body), every)
    elif seed is not None:
        random = Random(seed)  # noqa: S311  # reproducible, and no secret
        at = sorted({random.randrange(1, len(body)) for _ in range(random.randrange(1, 40))})
    edges = [0, *at, len(body)]
    return tuple(body[start:end] for start, end in itertools.pairwise(edges) if end > start)


def sse(steps: Iterable[Step] = (), *, burst: bool = False, framing: Framing = "chunked") -> Reply:
    """Return a reply that streams these steps with the headers of an event stream."""
    return Reply(tuple(steps), headers=EVENT_STREAM, burst=burst, framing=framing)


def json_reply(payload: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply with a JSON body."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Reply((body,), status, {"content-type": "application/json", **(headers or {})}, framing="length")


def html(status: int = 200, *, title: str = "Welcome") -> Reply:
    """Return a web page, as login pages, proxies and wrong addresses answer."""
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply((body.encode(),), status, {"content-type": "text/html; charset=utf-8"}, framing="length")


def error(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",  # noqa: A002  # the protocol's own word
    code: str | int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return an error as the protocol has it."""
    return json_reply(error_object(message, type=type, code=code), status=status, headers=headers)


def rate_limited(retry_after: str = "7") -> Reply:
    """Return a 429 with a Retry-After header."""
    return error(
        429,
        "Rate limit reached for test-model. Please try again later.",
        type="requests",
        code="rate_limit_exceeded",
        headers={"retry-after": retry_after},
    )


EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
