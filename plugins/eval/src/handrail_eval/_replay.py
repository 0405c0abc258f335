"""An answer given to the rails piece by piece, and what went out of it after each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail import Blocked, Chunk, RailFailed, Retraction, TextDelta

from handrail_eval._meter import METER, Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handrail import Event

    from handrail_eval._meter import Asked
    from handrail_eval._metered import MeteredRails
    from handrail_eval._pieces import Piece
    from handrail_eval._rows import Row

Json = dict[str, Any]

_NOTHING = Chunk()


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
            check.timed_out and self.stop is not None and check.rail == name_of(self.stop) for check in self.checks()
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


def name_of(stop: Blocked | RailFailed) -> str:
    """Return which rail ended an answer, arguments included: one rail used twice with other arguments is two."""
    return stop.rail if stop.rail_id is None else stop.rail_id.text
