"""One row judged: its prompt by the input rails, its answer as a stream and whole by the output rails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from handrail import HandrailError
from handrail.errors import message_of

from handrail_eval._meter import METER, Meter
from handrail_eval._pieces import tokens_of
from handrail_eval._streams import judge_stream

if TYPE_CHECKING:
    from handrail import Message, RailsResult

    from handrail_eval._engine import Settings
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
        told = f": {message_of(exc)}" if isinstance(exc, HandrailError) and settings.texts else ""
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
        verdict["stream"], of_stream = await judge_stream(rails, row, settings)
        times |= of_stream
        if settings.whole:
            verdict["whole"] = _whole_outcome(await _check(rails, [*row.messages, _answer(row)], "output"))


def _answer(row: Row) -> Message:
    message: dict[str, Any] = {"role": "assistant", "content": row.response}
    if row.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(row.tool_calls)
        ]
    return message


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
