"""The chains of an answer, and what they wait for all together: counted as they change, for there may be thousands."""

from __future__ import annotations

from operator import add, sub
from typing import TYPE_CHECKING, TypeAlias

from handrail._stream.chain import Chain
from handrail._stream.kept import Key
from handrail._stream.windows import WindowStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail._stream.steps import Check, Step

_Counts: TypeAlias = tuple[int, ...]

_NOTHING: _Counts = (0, 0, 0, 0)


class Chains(dict[Key, Chain]):
    """The chains of one answer; each is looked at again only after it was touched.

    Attributes:
        touch: takes note of a chain that may have changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._touched: set[Chain] = set()
        self._counts: dict[Chain, _Counts] = {}
        self._sums = _NOTHING
        self.touch: Callable[[Chain], None] = self._touched.add

    @property
    def held(self) -> int:
        """Characters that came in and did not come out."""
        return sum([stage.held for chain in self.values() for stage in chain.stages])

    @property
    def under_way(self) -> list[Check]:
        """Checks that rails were asked for and have not answered."""
        stages = [stage for chain in self.values() for stage in chain.stages]
        return [check for stage in stages if isinstance(stage, WindowStage) for check in stage.under_way]

    @property
    def unchecked(self) -> int:
        """Characters that rails were shown and not every rail has cleared."""
        return self._counted()[0]

    @property
    def running(self) -> int:
        """Checks that rails were asked for and have not answered."""
        return self._counted()[1]

    @property
    def are_done(self) -> bool:
        """True once all text of every chain has come out."""
        return not self._counted()[2]

    @property
    def are_watched(self) -> bool:
        """True while a rail that observes has not judged all text."""
        return bool(self._counted()[3])

    def give_up(self, check: Check) -> None:
        """Free the slot of a check whose answer no longer matters."""
        check.lane.running -= 1
        self._touched.add(self[check.lane.stage.key])

    def leave(self, step: Step) -> None:
        """Begin no check that was to begin, and note how far sessions came that nobody finishes."""
        for check in step.start:
            self.give_up(check)
        step.start.clear()
        for chain in self.values():
            chain.leave()

    def _counted(self) -> _Counts:
        for chain in self._touched:
            before = self._counts.pop(chain, _NOTHING)
            counts = (chain.unchecked, chain.running, int(not chain.done), int(chain.watched))
            if any(counts):
                self._counts[chain] = counts
            if counts != before:
                self._sums = tuple(map(add, map(sub, self._sums, before), counts))
        self._touched.clear()
        return self._sums
