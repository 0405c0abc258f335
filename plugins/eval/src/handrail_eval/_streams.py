"""An answer judged as a stream: how it ended, where it was stopped, what leaked, and how long its readers waited."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from handrail import RailFailed

from handrail_eval._pieces import pieces_of
from handrail_eval._places import first_place, leaked_characters
from handrail_eval._replay import Replay, name_of
from handrail_eval._timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail_eval._engine import Settings
    from handrail_eval._meter import Asked
    from handrail_eval._metered import MeteredRails
    from handrail_eval._pieces import Piece
    from handrail_eval._rows import Row

Json = dict[str, Any]


async def judge_stream(rails: MeteredRails, row: Row, settings: Settings) -> tuple[Json, Json]:
    """Return what came of an answer as a stream, and its times."""
    pieces = pieces_of(row, seed=settings.seed, pace=settings.pace, first=settings.first_token)
    replay = Replay(rails, pieces)
    await replay.run(row)
    original, text = row.response or "", "".join(replay.text)
    stream: Json = {"outcome": "finished", "turn": replay.meter.turn, "released": replay.released}
    stream |= {"delivered": len(text), **_end(replay, texts=settings.texts)}
    if not original.startswith(text):
        if replay.stop is None:
            stream["outcome"] = "rewritten"
        if settings.texts:
            stream["text"] = text
    stream |= _places(row, original, text, _hits(replay, stream), pieces, stream)
    stream["checks"] = [_check_line(check) for check in replay.checks()]
    stream["judged"] = replay.judged
    return stream, _times(rails, replay, pieces)


def _end(replay: Replay, *, texts: bool) -> Json:
    """Return what has ended an answer before its end, if anything has."""
    stop = replay.stop
    if stop is None:
        return {}
    found: Json = {"rail": name_of(stop), "channel": stop.channel}
    if isinstance(stop, RailFailed):
        return {"outcome": "failed", **found, "timed_out": stop.timed_out or replay.timed_out}
    found |= {"outcome": "blocked", "category": stop.category, "span": stop.span}
    return found | ({"reason": stop.reason} if texts else {})


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


def _times(rails: MeteredRails, replay: Replay, pieces: Sequence[Piece]) -> Json:
    """Return when what happened to an answer, in seconds after its request."""
    plans = rails.composition.output_rails
    slots = {plan.rail_id.text: plan.max_concurrency for plan in plans}
    arrivals = [piece.at for piece in pieces]
    checks = replay.checks()
    released = [turn for turn, _ in replay.released]
    found = timeline(arrivals, checks, released, slots, replay.meter.turn)
    return {
        "checks": [[round(start, 6), round(end, 6)] for start, end in found.checks],
        "released": [round(at, 6) for at in found.released],
        "ended": round(found.ended, 6),
        "generated": round(found.generated, 6),
        **_delays(pieces, replay.released, found.released),
        "calls": replay.calls,
        "cached": sum(check.cached for check in checks),
    }


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
