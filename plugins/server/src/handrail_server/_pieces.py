"""Reads a large body piece by piece, so that no client can keep all others waiting with one request.

Decoding JSON is one call into compiled code that nothing interrupts. What such a call takes depends on the values in
it, of which 4 MB may hold a million. So the values are counted first, in steps; then messages and tools, of which a
large body consists, are decoded one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeVar

import anyio
import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from handrail_server._bodies import EMBEDDED, Lists, parse_body, readable
from handrail_server._errors import ApiError

BodyT = TypeVar("BodyT", bound=BaseModel)

SMALL = 32 * 2**10
"""Bytes of a body that is decoded as a whole: a few milliseconds whatever it holds."""
_MOST_IN_A_PIECE = 5_000
_STEP_SECONDS = 0.002
_LOOK = 256  # values between two looks at the clock
_VALUE = re.compile(rb'["\[{,]')  # of which there is at least one for each key and each value but the last
_INSIDE = re.compile(rb'(?:[^"\\]{1,4096}|\\.){0,256}', re.DOTALL)  # so much of a text in one step
_SPLIT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_STAND_INS = {"messages": b'[{"role":"user","content":""}]'}
_CONVERSATIONS = ("messages", "input")  # by whichever name a protocol has it


async def parse_large_body(model: type[BodyT], body: bytes, *, values: int, messages: int) -> BodyT:
    """Read a body.

    Args:
        model: what it must be.
        body: the bytes.
        values: how many values it may hold.
        messages: how many messages.

    Raises:
        ApiError: it holds too much, is not valid JSON or is wrong.
    """
    clock = _Clock()
    await _count(body, values, clock, "The body")
    kinds: Lists = getattr(model, "lists", {})
    members, lists = _split(body, list(kinds))
    for name in _CONVERSATIONS:
        if kinds.get(name) is not EMBEDDED and len(lists.get(name, ())) > messages:
            text = f"The conversation has {len(lists[name])} messages; this server takes at most {messages}."
            raise ApiError(400, text, code="too_many_messages", param=name)
    rest = {name: value for name, value in members.items() if name not in lists}
    rest |= {name: _STAND_INS.get(name, b"[]") if pieces else b"[]" for name, pieces in lists.items()}
    found = parse_body(model, await _joined(rest, clock))
    for name, pieces in lists.items():
        if pieces:
            kind = kinds[name]
            read = [await _piece(kind, (name, index), bytes(piece), clock) for index, piece in enumerate(pieces)]
            if kind is EMBEDDED and len(set(map(type, read))) > 1:
                raise ApiError(400, "'input': texts and tokens cannot be mixed.", code="invalid_value", param=name)
            setattr(found, name, read)
    await anyio.lowlevel.checkpoint()  # what follows looks at every message again
    return found


def _split(body: bytes, names: Sequence[str]) -> tuple[Mapping[str, bytes], Mapping[str, list[msgspec.Raw]]]:
    """Return the members of a body, and the pieces of those that are lists to be decoded one by one."""
    try:
        members = {name: bytes(value) for name, value in _SPLIT.decode(body).items()}
        return members, {name: _LIST.decode(members[name]) for name in names if members.get(name, b"")[:1] == b"["}
    except msgspec.ValidationError:
        raise ApiError(400, "The body must be a JSON object.", code="invalid_value") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ApiError(400, "The body is not valid JSON.", code="invalid_json") from None


class _Clock:
    """Lets others run whenever a step has taken long enough."""

    def __init__(self) -> None:
        self._began = perf_counter()

    async def pause(self) -> None:
        if perf_counter() - self._began > _STEP_SECONDS:
            await anyio.lowlevel.checkpoint()
            self._began = perf_counter()


async def _count(body: bytes, most: int, clock: _Clock, what: str) -> None:
    found = 0
    for number, position in enumerate(_positions(body)):
        if number % _LOOK == 0:
            await clock.pause()
        found += position
        if found > most:
            text = f"{what} holds more than {most} keys and values, the limit of this server."
            raise ApiError(400, text, code="body_too_complex")


def _positions(body: bytes) -> Iterator[int]:
    """Yield 1 for each mark of a value, and 0 for each step through a long text."""
    at = 0
    while (mark := _VALUE.search(body, at)) is not None:
        at = mark.end()
        yield 1
        if mark[0] != b'"':
            continue
        for end in _steps(body, at):
            at = end
            yield 0
        at += 1


def _steps(body: bytes, at: int) -> Iterator[int]:
    """Yield places inside a text, and at last that of the quotation mark which ends it.

    A text with few quotation marks in it is searched for them, which is quickest; one with many is read in steps.
    """
    for _ in range(_LOOK):
        end = body.find(b'"', at)
        if end < 0 or not _is_escaped(body, end):
            yield end if end >= 0 else len(body)
            return
        at = end + 1
        yield at
    while (step := _INSIDE.match(body, at)) is not None and step.end() > at:
        at = step.end()
        yield at


def _is_escaped(body: bytes, at: int) -> bool:
    """Return whether an odd number of backslashes stands before a place."""
    looked = 16
    while not (before := body[max(at - looked, 0) : at]).rstrip(b"\\") and len(before) == looked:
        looked *= 2
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


async def _joined(members: Mapping[str, bytes], clock: _Clock) -> bytes:
    """Return the body without what is decoded apart."""
    joined = b",".join(msgspec.json.encode(name) + b":" + value for name, value in members.items())
    await _count(joined, _MOST_IN_A_PIECE, clock, "The body, without its messages and tools,")
    await clock.pause()
    return b"{" + joined + b"}"


async def _piece(kind: TypeAdapter[Any], place: tuple[str, int], piece: bytes, clock: _Clock) -> Any:
    await clock.pause()
    if len(piece) > SMALL:
        await _count(piece, _MOST_IN_A_PIECE, clock, f"'{place[0]}[{place[1]}]'")
    try:
        return kind.validate_json(piece)
    except ValidationError as exc:
        raise readable(exc, place) from None
