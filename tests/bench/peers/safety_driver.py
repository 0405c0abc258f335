"""Streams rows through one system, in that system's own environment: `python safety_driver.py SYSTEM < case.json`."""

from __future__ import annotations

import asyncio
import importlib
import json
import selectors
import sys
from bisect import bisect_right
from collections.abc import AsyncIterator
from itertools import accumulate
from typing import Any

from safety_judge import Finder
from work import BlockedError, Judge, Source

_LEAST = 4  # characters: a shorter run that altered text has in common with a violation is a coincidence
_LIMIT = 120.0  # seconds that a row may take

Case = dict[str, Any]
Row = dict[str, Any]


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock on instead of waiting for it, as the test kit's does, which is not in these environments."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class PacedSource(Source):
    """A provider on the loop's clock, that says when each token came."""

    def __init__(self, tokens: list[str], gap: float) -> None:
        super().__init__(tokens, gap)
        self.made: list[float] = []

    async def __aiter__(self) -> AsyncIterator[str]:
        for token in self.tokens:
            await asyncio.sleep(self.gap)
            self.made.append(asyncio.get_running_loop().time())
            self.generated += 1
            yield token


class RightJudge(Judge):
    """A judge that finds what is forbidden in a whole text."""

    def __init__(self, latency: float, phrases: list[str]) -> None:
        super().__init__(latency)
        self._finder = Finder(phrases)

    def _judge(self, text: str) -> bool:
        self.checks += 1
        self.characters += len(text)
        return not self._finder.finds(text)


class Answer:
    """An answer, and where its characters that are no white space stand, by which deliveries are compared with it."""

    def __init__(self, tokens: list[str]) -> None:
        self.text = "".join(tokens)
        self.places = [place for place, sign in enumerate(self.text) if not sign.isspace()]
        self.bare = "".join(self.text[place] for place in self.places)
        self.ends = list(accumulate(map(len, tokens)))

    def leaked(self, delivered: str, spans: list[list[int]]) -> int:
        """Return how many characters of the spans were delivered; white space that a system changed does not matter."""
        bare = "".join(delivered.split())
        if self.bare.startswith(bare):
            end = self.places[len(bare) - 1] + 1 if bare else 0
            return sum(max(0, min(end, high) - low) for low, high in spans)
        return sum(self._found(bare, "".join(self.text[low:high].split())) for low, high in spans)

    @staticmethod
    def _found(bare: str, violation: str) -> int:
        return next((n for n in range(len(violation), _LEAST - 1, -1) if violation[:n] in bare), 0)


async def stream(guarded: Any, row: Row, gap: float) -> dict[str, Any]:
    """Stream a row, and say what a reader saw, and how far behind the model."""
    source, answer = PacedSource(row["tokens"], gap), Answer(row["tokens"])
    loop, text, behind, outcome = asyncio.get_running_loop(), "", [0.0, 0, 0, 0], "passed"
    first = None
    stream = guarded.stream(source)
    try:
        async with asyncio.timeout(_LIMIT):
            async for piece in stream:
                seen, text = len("".join(text.split())), text + piece
                first = loop.time() if first is None and text.strip() else first
                _note(behind, answer, source, range(seen, len("".join(text.split()))), loop.time())
    except BlockedError:
        outcome = "stopped"
    except Exception as exc:  # noqa: BLE001  # whatever a system raises is its result
        outcome = f"failed: {type(exc).__name__}"
    finally:
        if (close := getattr(stream, "aclose", None)) is not None:
            await close()
    leaked = answer.leaked(text, row["spans"])
    lags = {"seconds": behind[0], "characters": behind[1], "tokens": behind[2], "of": behind[3]}
    waited = first - source.made[0] if first is not None and source.made else None
    return {"id": row["id"], "outcome": outcome, "leaked": leaked, "first": waited, **lags}


def _note(behind: list[Any], answer: Answer, source: PacedSource, signs: range, now: float) -> None:
    """Add how far behind the model each of these characters is."""
    for sign in signs:
        if sign >= len(answer.places):  # a system that repeats text
            return
        place = answer.places[sign]
        token = bisect_right(answer.ends, place)
        if token >= len(source.made):  # a system that says what the model has not said
            return
        behind[0] += now - source.made[token]
        behind[1] += answer.ends[source.generated - 1] - 1 - place
        behind[2] += source.generated - 1 - token
        behind[3] += 1


async def run(system: Any, case: Case) -> None:
    """Stream every row, and print a line of JSON for each, and one for the judge."""
    judge = RightJudge(case["latency"], case["phrases"])
    guarded, room = system.Guarded(case, [judge]), asyncio.Semaphore(case["at_once"])

    async def one(row: Row) -> None:
        async with room:
            print(json.dumps(await stream(guarded, row, case["gap"])), flush=True)

    await asyncio.gather(*map(one, case["rows"]))
    print(json.dumps({"checks": judge.checks, "judged": judge.characters}), flush=True)


def main() -> None:
    """Read a case from standard input, and run it on a virtual clock unless it asks for the real one."""
    case = json.load(sys.stdin)
    system = importlib.import_module(f"systems.{sys.argv[1]}")
    with asyncio.Runner(loop_factory=_VirtualLoop if case["virtual"] else None) as runner:
        runner.run(run(system, case))


if __name__ == "__main__":
    main()
