"""Cascades: a rail that judges only what the score of a rail before it leaves open."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from handrail._compose.building import Around
from handrail._stream.outcome import sound
from handrail._types import Verdict
from handrail.errors import HandrailError, InvalidRailsConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from handrail._stream.plan import RailPlan
    from handrail._turn import Turn
    from handrail._types import Window
    from handrail.config import When

_KEPT = 64  # verdicts of a rail in one call: more than windows of two rails can be apart


class _Pending:
    """A window that is being judged, or was."""

    __slots__ = ("answered", "verdict")

    def __init__(self) -> None:
        self.answered = anyio.Event()
        self.verdict: Verdict | None = None


class SharedRail(Around):
    """A rail whose verdicts others use: it is asked once about a window that several want to know about.

    Args:
        plan: the rail.
    """

    def __init__(self, plan: RailPlan) -> None:
        super().__init__(plan.rail)
        self._key = f"handrail cascade {plan.direction} {plan.rail_id}"

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window, or wait for whoever is having it judged."""
        kept: MutableMapping[tuple[object, ...], _Pending] = turn.shared.setdefault(self._key, {})
        place = (window.channel, window.tool_name, window.context_start, window.last, window.text)
        while (found := kept.get(place)) is not None:
            await found.answered.wait()
            if found.verdict is not None:
                return found.verdict
        while len(kept) >= _KEPT:
            del kept[next(iter(kept))]
        pending = kept[place] = _Pending()
        try:
            verdict = await _answer(self.rail, window, turn)
            pending.verdict = verdict if type(verdict) is Verdict else None
            return verdict
        finally:
            if pending.verdict is None and kept.get(place) is pending:  # the next one who wants to know asks again
                del kept[place]
            pending.answered.set()


class GreyZone(Around):
    """A rail that is asked only where the score of another one is within a range.

    Args:
        first: the plan of the other one, its rail shared.
        plan: the rail.
        when: the range.
    """

    def __init__(self, first: RailPlan, plan: RailPlan, when: When) -> None:
        super().__init__(plan.rail)
        self._first = first
        self._low, self._high = when.score

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window, or say what the other rail's score makes of it.

        Where the other rail cannot say, be it that it fails, gives no score, or is not to look at this kind of text,
        this one judges.
        """
        verdict = await self._first_verdict(window, turn)
        score = None if verdict is None else verdict.score
        if verdict is None or score is None or self._low <= score < self._high:
            return await _answer(self.rail, window, turn)
        detail = {"when": {"rail": str(self._first.rail_id), "score": score}}
        if score < self._low:
            return Verdict.allow(f"rail {str(self._first.rail_id)!r} scores it below {self._low}", detail=detail)
        return replace(verdict, score=None, detail=detail)

    async def _first_verdict(self, window: Window, turn: Turn) -> Verdict | None:
        if window.channel not in self._first.channels:
            return None
        try:
            told = turn.for_rail(self._first.rail_id.text)
            return sound(await self._first.rail.check(window, told), window, self._first)  # type: ignore[union-attr]  # it has been looked at
        except Exception:  # noqa: BLE001  # its own check is recorded as failed, and this one decides alone
            return None


def cascaded(
    plans: Sequence[RailPlan], whens: Sequence[When | None], note: Callable[[RailPlan, HandrailError], None]
) -> tuple[RailPlan, ...]:
    """Return the rails of a list of flows, those with a condition asked only where it holds.

    Args:
        plans: the rails, in order.
        whens: the condition of each.
        note: called with a rail whose condition cannot be kept, and why.
    """
    made = list(plans)
    for index, when in enumerate(whens):
        if when is None:
            continue
        try:
            place = _find(made[:index], made[index], when)
            first = made[place] = _shared(made[place], made[index], when)
            made[index] = replace(made[index], rail=GreyZone(first, made[index], when))
        except InvalidRailsConfigurationError as exc:
            note(made[index], exc)
    return tuple(made)


def _find(before: Sequence[RailPlan], plan: RailPlan, when: When) -> int:
    """Return the place of the rail that a condition names.

    Raises:
        InvalidRailsConfigurationError: there is none, or one of both rails cannot be part of a cascade.
    """
    wanted = " ".join(when.rail.split())
    places = [n for n, each in enumerate(before) if each.rail_id.text == wanted]
    places = places or [n for n, each in enumerate(before) if each.name == wanted]
    if len(places) != 1:
        listed = ", ".join(repr(each.rail_id.text) for each in before) or "none"
        found = "is ambiguous; write its arguments too" if places else f"is unknown; before it are {listed}"
        raise InvalidRailsConfigurationError(
            f"rail {plan.name!r} depends on the score of {wanted!r}, which {found} in rails.{plan.direction}.flows",
            code="invalid-value" if places else "unknown-name",
            subject=wanted,
        )
    for each in (before[places[0]], plan):
        if each.is_stream_rail or each.reads_raw or each.rewrites_whole:
            raise InvalidRailsConfigurationError(
                f"rail {each.name!r} does not judge windows, so it cannot be part of a cascade; remove 'when'"
            )
    return places[0]


def _shared(first: RailPlan, plan: RailPlan, when: When) -> RailPlan:
    """Return the first rail of a cascade: it refuses from the end of the range on, and its verdicts are shared.

    Raises:
        InvalidRailsConfigurationError: it refuses from another score than the range ends with.
    """
    _, high = when.score
    if first.threshold is not None and first.threshold != high:
        raise InvalidRailsConfigurationError(
            f"rail {plan.name!r} is asked up to the score {high} of {first.name!r}, which refuses from "
            f"{first.threshold} on; set its 'threshold' to {high}, or end the range there"
        )
    rail = first.rail if isinstance(first.rail, SharedRail) else SharedRail(first)
    return replace(first, rail=rail, threshold=high)


async def _answer(rail: Any, window: Window, turn: Turn) -> Verdict:
    found = rail.check(window, turn)
    verdict: Verdict = await found if inspect.isawaitable(found) else found
    return verdict
