"""One row judged: its prompt by the input rails, its answer as a stream and whole by the output rails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from handrail import Blocked, Chunk, HandrailError, RailFailed, Retraction, TextDelta

from handrail_eval._meter import METER, Meter
from handrail_eval._pieces import Piece, pieces_of, tokens_of
from handrail_eval._places import first_place, leaked_characters
from handrail_eval._timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail import Event, Message, RailsResult

    from handrail_eval._engine import Settings
    from handrail_eval._meter import Asked
    from handrail_eval._metered import MeteredRails
    from handrail_eval._rows import Row

Json = dict[str, Any]


async def judge(rails: MeteredRails, row: Row, settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what came of a row, and how long it took. A row that cannot be judged is told as one that failed.

    The first holds nothing that depends on how quick anybody was, so that a run which is repeated gives the same bytes.
    """
    verdict: Json = {
        "row": row.index,
        "id": row.id,
        "where": row.where,
        "label": row.label,
        "category": row.category,
        "language": row.language,
        "characters": len(row.response or ""),
        "tokens": tokens_of(row.response or ""),
        "spans": [list(span) for span in row.spans],
    }
    if settings.texts:
        verdict["response"] = row.response
    times: Json = {"row": row.index}
    try:
        await _judge_parts(rails, row, settings, verdict, times)
    except Exception as exc:  # noqa: BLE001  # the boundary of a row: one that fails must not end the others
        # The message of a stranger's exception may quote the text, so only that of Handrail's own is told.
        told = f": {exc}" if isinstance(exc, HandrailError) and settings.texts else ""
        verdict["error"] = f"{type(exc).__name__}{told}"
    if not settings.texts:
        _drop_quotes(verdict, row)
    return verdict, times


def _drop_quotes(verdict: Json, row: Row) -> None:
    """Drop categories that quote the row, such as a phrase that was found in it."""
    told = json.dumps([row.messages, row.response, row.reasoning, row.tool_calls], ensure_ascii=False).casefold()
    stream = verdict.get("stream", {})
    for part in (verdict.get("input", {}), verdict.get("whole", {}), stream, *stream.get("checks", ())):
        if (part.get("category") or "").casefold() in told:
            part.pop("category", None)


async def _judge_parts(rails: MeteredRails, row: Row, settings: Settings, verdict: Json, times: Json) -> None:
    app = rails.composition
    if app.input_rails and any(message["role"] == "user" for message in row.messages):
        result = await _check(rails, row.messages, "input")
        verdict["input"] = _whole_outcome(result)
    if row.response is not None and app.output_rails:
        await _judge_stream(rails, row, settings, verdict, times)
        if settings.whole:
            message = {"role": "assistant", "content": row.response}
            if row.tool_calls:
                message["tool_calls"] = [  # type: ignore[assignment]  # a message has values of any type
                    {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
                    for i, (name, arguments) in enumerate(row.tool_calls)
                ]
            verdict["whole"] = _whole_outcome(await _check(rails, [*row.messages, message], "output"))


async def _check(
    rails: MeteredRails, messages: Sequence[Message], direction: Literal["input", "output"]
) -> RailsResult:
    """Check a whole text; of two rails that refuse it, the same one is told each time."""
    token = METER.set(Meter())
    try:
        return await rails.check_async(messages, [direction])
    finally:
        METER.reset(token)


def _whole_outcome(result: RailsResult) -> Json:
    outcome = {"passed": "finished", "modified": "rewritten"}.get(
        result.status, "failed" if result.failed else "blocked"
    )
    found: Json = {"outcome": outcome}
    if result.status == "blocked":
        found |= {"rail": result.rail, "category": result.category, "span": result.span}
    return found


async def _judge_stream(rails: MeteredRails, row: Row, settings: Settings, verdict: Json, times: Json) -> None:
    pieces = pieces_of(row, seed=settings.seed, pace=settings.pace, first=settings.first_token)
    replay = Replay(rails, pieces)
    await replay.run(row)
    stop, text, stopped = replay.stop, "".join(replay.text), replay.meter.turn
    stream: Json = {"outcome": "finished", "turn": stopped, "released": replay.released, "delivered": len(text)}
    if isinstance(stop, Blocked):
        stream |= {"outcome": "blocked", "rail": _id(stop), "category": stop.category, "channel": stop.channel}
        stream |= {"span": stop.span} | ({"reason": stop.reason} if settings.texts else {})
    elif isinstance(stop, RailFailed):
        stream |= {
            "outcome": "failed",
            "rail": _id(stop),
            "timed_out": stop.timed_out or replay.timed_out,
            "channel": stop.channel,
        }
    original = row.response or ""
    if not original.startswith(text):
        if stop is None:
            stream["outcome"] = "rewritten"
        if settings.texts:
            stream["text"] = text
    hits = _hits(replay, stream)
    stream |= _places(row, original, text, hits, pieces, stream)
    checks = replay.checks()
    stream["checks"] = [_check_line(check) for check in checks]
    stream["judged"] = replay.judged
    verdict["stream"] = stream
    _tell_times(rails, replay, pieces, stopped, times)


def _places(
    row: Row, original: str, text: str, hits: list[tuple[int, int]], pieces: Sequence[Piece], stream: Json
) -> Json:
    """Return where the violation is, how much of it went out, and how many tokens later it was stopped."""
    found: Json = {}
    place = first_place(row.spans, hits)
    if row.label is not True or place is None:
        return found
    spans = row.spans or ((place, len(original)),)
    found["place"] = place
    found["leaked"] = leaked_characters(original, text, spans)
    if stream["outcome"] in ("blocked", "failed"):
        came = tokens = 0
        for piece in pieces[: stream["turn"] + 1]:
            if came + len(piece.chunk.text) > place:
                tokens += piece.tokens
            came += len(piece.chunk.text)
        found["within_tokens"] = tokens
        found["within_sentences"] = _sentences(original[place:came])
    return found


def _sentences(text: str) -> int:
    return 1 + sum(text.count(mark) for mark in (". ", "! ", "? ", "。", "\uff01", "\uff1f", "\n"))


def _hits(replay: Replay, stream: Json) -> list[tuple[int, int]]:
    """Return what rails blamed in the text; a span of a tool call or of reasoning is a place in another text."""
    spans = [
        check.span for check in replay.checks() if check.span and check.decision != "allow" and check.channel == "text"
    ]
    if stream.get("span") and stream["channel"] == "text":
        spans.append(tuple(stream["span"]))
    return spans


def _check_line(check: Asked) -> Json:
    line: Json = {"rail": check.rail, "turn": check.turn, "window": list(check.window), "decision": check.decision}
    if check.channel != "text":
        line["channel"] = check.channel
    if check.category:
        line["category"] = check.category
    if check.score is not None:
        line["score"] = check.score
    if check.spared:
        line["spared"] = True
    if check.would is not None:
        line["would"] = check.would
    return line


def _id(stop: Blocked | RailFailed) -> str:
    """Return which rail it was, arguments included: one rail used twice with other arguments is two."""
    return stop.rail if stop.rail_id is None else stop.rail_id.text


def _tell_times(rails: MeteredRails, replay: Replay, pieces: Sequence[Piece], stopped: int, times: Json) -> None:
    plans = rails.composition.output_rails
    slots = {plan.rail_id.text: plan.max_concurrency for plan in plans}
    arrivals = [piece.at for piece in pieces]
    checks = replay.checks()
    found = timeline(arrivals, checks, [turn for turn, _ in replay.released], slots, stopped)
    times["checks"] = [[round(start, 6), round(end, 6)] for start, end in found.checks]
    times["released"] = [round(at, 6) for at in found.released]
    times["ended"], times["generated"] = round(found.ended, 6), round(found.generated, 6)
    times |= _delays(pieces, replay.released, found.released)
    times["calls"] = replay.calls
    times["cached"] = sum(check.cached for check in checks)


def _delays(pieces: Sequence[Piece], released: Sequence[tuple[int, int]], at: Sequence[float]) -> Json:
    """Return how long characters waited, in seconds, in characters and in tokens."""
    ends, times = list(accumulate(len(piece.chunk.text) for piece in pieces)), [piece.at for piece in pieces]
    waited = weight = 0.0
    position, k, total = 0, 0, len(ends)
    for (_, upto), when in zip(released, at, strict=True):
        while k < total and position < upto:
            end, late = ends[k], when - times[k]
            take = min(end, upto) - position
            if late > 0:
                waited += take * late
            weight += take
            position += take
            if position >= end:
                k += 1
    first_text = next((piece.at for piece in pieces if piece.chunk.text), None)
    first = at[0] - first_text if at and first_text is not None else None
    return {"delay": waited / weight if weight else None, "first": first}


class Replay:
    """An answer given to the rails piece by piece.

    Attributes:
        text: what was delivered.
        released: after which pieces text went out, and how many characters had by then.
        stop: the block or failure that ended it.
        judged: characters that rails read.
        calls: requests to models, with their tokens.
    """

    def __init__(self, rails: MeteredRails, pieces: Sequence[Piece]) -> None:
        self._rails, self._pieces = rails, pieces
        self.meter = Meter()
        self.text: list[str] = []
        self.released: list[tuple[int, int]] = []
        self.stop: Blocked | RailFailed | None = None
        self.judged = 0
        self.calls: list[Json] = []
        self._length = 0
        self._waits = rails.has_windows

    async def run(self, row: Row) -> None:
        """Push all pieces, until a rail stops the answer."""
        token = METER.set(self.meter)
        # Where a tool call ends, a check begins of which its strategy knows nothing.
        always = self._waits and bool(row.reasoning or row.tool_calls)
        try:
            async with self._rails.feed(messages=row.messages or None) as guard:
                for turn, piece in enumerate(self._pieces):
                    self.meter.turn = turn
                    self._take(await guard.push(piece.chunk))
                    if self.meter.due or always:
                        await self.meter.settle()
                        self._take(await guard.push(_NOTHING))
                    if self.stop is not None:
                        break
                else:
                    self.meter.turn = len(self._pieces)
                    self._take(await guard.push(Chunk(finish_reason="stop")))
                self._take(await guard.finish())
                response = guard.response
        finally:
            METER.reset(token)
        self.judged = sum(run.characters for run in response.rail_runs)
        self.calls = [
            {"task": call.task, "model": call.model, "in": call.usage.input_tokens, "out": call.usage.output_tokens}
            for call in response.llm_calls
        ]

    @property
    def timed_out(self) -> bool:
        """True if the rail that ended the answer took too long."""
        return any(
            check.timed_out and self.stop is not None and check.rail == _id(self.stop) for check in self.checks()
        )

    def checks(self) -> list[Asked]:
        """Return the checks in an order that does not depend on who was quicker."""
        return sorted(self.meter.asked, key=lambda check: (check.turn, check.channel, check.window, check.rank))

    def _take(self, events: Iterable[Event]) -> None:
        before = self._length
        for event in events:
            if isinstance(event, TextDelta):
                self.text.append(event.text)
                self._length += len(event.text)
            elif isinstance(event, Blocked | RailFailed):
                self.stop = event
            elif isinstance(event, Retraction):  # what was out was read: it stays in `text`, and counts as leaked
                continue
        if self._length > before:
            turn = self.meter.turn
            if self.released and self.released[-1][0] == turn:
                self.released[-1] = (turn, self._length)
            else:
                self.released.append((turn, self._length))


_NOTHING = Chunk()
