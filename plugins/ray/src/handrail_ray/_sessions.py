"""The streams that a stateful rail judges in one replica.

A stream's windows may come to several replicas. Each says which of them it has not seen and is told these first, so
that what it knows of the stream is the same everywhere, also where a replica has just taken another's place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio

from handrail_ray._wire import of_calls, of_verdict, window_of

if TYPE_CHECKING:
    from handrail import StatefulWindowRail, Turn

    from handrail_ray._wire import Plain

_MOST = 1024


class _Stream:
    """What a replica knows of one stream."""

    def __init__(self, rail: StatefulWindowRail, turn: Turn) -> None:
        self.turn = turn
        self.session = rail.open(turn)
        self.seen = self.told = 0
        self.last: Plain | None = None
        self.lock = anyio.Lock()

    async def judge(self, windows: list[Plain], begin: int) -> Plain:
        """Judge those windows that were not seen, and return what became of the last one."""
        for window in windows[self.seen - begin :]:
            self.last = of_verdict(await self.session.check(window_of(window)))
            self.seen += 1
        calls = self.turn.journal.llm_calls[self.told :]
        self.told += len(calls)
        return {"verdict": self.last, "calls": of_calls(calls), "state": dict(self.turn.state)}


class Sessions:
    """Judges streams by sessions of a rail; the one that has waited longest is forgotten when there are too many."""

    def __init__(self, rail: StatefulWindowRail) -> None:
        self._rail = rail
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    async def answer(self, request: Mapping[str, Any], turn: Turn) -> Plain:
        """Judge the last window of a request, or say from which on the replica has not seen the stream's windows."""
        name, begin, windows = request["session"], request["from"], request["windows"]
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Stream(self._rail, turn)
        self._streams.move_to_end(name)
        while len(self._streams) > _MOST:
            self._streams.popitem(last=False)
        async with stream.lock:
            if stream.seen < begin:
                return {"missing_from": stream.seen}
            try:
                return await stream.judge(windows, begin)
            except BaseException:
                self._streams.pop(name, None)  # nobody knows what the session has seen
                raise
