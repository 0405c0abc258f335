"""A rail that another rail asks, such as one that a flow executes as an action."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handrail._events import RailFailed
from handrail._stream.batch import guard_text
from handrail._types import Edit, Verdict
from handrail.errors import InvalidArgumentError, RailError

if TYPE_CHECKING:
    from handrail._specs import Direction
    from handrail._stream.plan import RailPlan
    from handrail._turn import Turn


@dataclass(frozen=True, slots=True)
class InnerRail:
    """An installed rail with its settings, ready to judge texts that are whole.

    Attributes:
        name: the rail's name.
        direction: whose text it judges: "input" for the user's message, "output" for the answer.
    """

    name: str
    direction: Direction
    _plan: RailPlan

    @classmethod
    def of(cls, plan: RailPlan) -> InnerRail:
        """Make one of a rail as it is planned for a stream."""
        InvalidArgumentError.unless(hasattr(plan, "for_message"), "plan", plan, "a RailPlan of a composition")
        return cls(plan.name, plan.direction, plan.for_message())

    @classmethod
    def of_observer(cls, plan: RailPlan) -> InnerRail:
        """Make one that judges whatever its mode, and raises on every failure: what it guards is not an answer."""
        InvalidArgumentError.unless(hasattr(plan, "for_message"), "plan", plan, "a RailPlan of a composition")
        return cls.of(replace(plan, observes=False, allow_on_error=False, allow_on_timeout=False))

    async def judge(self, text: str, turn: Turn) -> Verdict:
        """Judge a text, under the rail's own time limit and what its settings say about failures.

        Raises:
            RailError: the rail could not do its work.
        """
        passed, stop = await guard_text((self._plan,), text, turn, parallel=False)
        if isinstance(stop, RailFailed):
            raise RailError(stop.error, rail=self.name)
        if stop is not None:
            return Verdict.block(stop.reason, category=stop.category, message=stop.message)
        return Verdict.allow() if passed == text else Verdict.rewrite([Edit(0, len(text), passed)])
