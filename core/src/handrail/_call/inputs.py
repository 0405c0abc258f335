"""Input rails over a conversation: what is new, and the history that its client keeps itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import anyio

from handrail._call.units import Unit, removed, units_of, without
from handrail._compose.kept_verdicts import Kept, Place
from handrail._content import MessageTexts, differences, message_text
from handrail._events import Blocked, RailFailed
from handrail._stream.backend import let_others_run
from handrail._stream.batch import beside_the_loop, guard_text
from handrail._turn import Journal

if TYPE_CHECKING:
    from handrail._call.conversation import Conversation
    from handrail._compose.composition import Composition
    from handrail._stream.plan import RailPlan
    from handrail._turn import Turn
    from handrail._types import Edit, Message

Judge: TypeAlias = "Callable[[Conversation], Awaitable[tuple[Conversation, Blocked | RailFailed | None]]]"
"""Judges a part of a conversation: returns what may go on of it, and why it may not."""

_AT_ONCE = 8  # messages that are judged at the same time
_SLICE = 64  # messages that are looked up before others may run


@dataclass(frozen=True, slots=True)
class _Judged:
    """What rails made of a unit.

    Attributes:
        messages: as they may go on.
        refused: True if they may not.
        stop: the refusal or failure, if a rail has just said so.
    """

    messages: tuple[Message, ...]
    refused: bool = False
    stop: Blocked | RailFailed | None = None


class InputGuard:
    """Runs the input rails of one call.

    Args:
        app: the composed configuration.
        rails: those that the call wants.
        turn: what they are told of the call.
    """

    def __init__(self, app: Composition, rails: Sequence[RailPlan], turn: Turn) -> None:
        self._rails = rails
        self._turn = turn
        self._kept = app.kept_verdicts
        self._parallel = app.config.rails.input.parallel
        self._roles = app.config.rails.input.roles if rails else ()
        chosen = [
            f"{n} {rail.rail_id.text}" for n, rail in enumerate(app.input_rails) if any(rail is one for one in rails)
        ]
        self._scope = self._kept.scope(turn.caller, turn.conversation_id, turn.variables, turn.tools, chosen)

    async def history(self, talk: Conversation) -> tuple[Conversation, Blocked | RailFailed | None]:
        """Judge what was answered before: each text once, and again only if it changes.

        What a rail refuses gives way to a placeholder, together with its answer. A tool's result or a message that the
        turn itself rests on ends the turn.
        """
        units = [unit for unit in units_of(talk.messages, self._roles) if not unit.is_pending]
        judged: dict[Unit, _Judged] = {}
        for number, (unit, place) in enumerate((await self._places(talk, units)).items(), 1):
            if self._kept.get(place) is not None:
                judged[unit] = await self._past(talk, unit, place)
            if number % _SLICE == 0:
                await let_others_run()
        shown = talk.replaced(_changes(judged))
        others = [unit for unit in units if unit not in judged]
        judged |= zip(others, await _all(others, lambda unit: self._past(shown, unit)), strict=True)
        refused: list[Unit] = []
        for unit, found in judged.items():
            if isinstance(found.stop, RailFailed) or (found.refused and unit.is_current):
                return talk, found.stop
            if found.refused:
                refused.append(unit)
        talk = talk.replaced(_changes(judged))
        return (replace(talk, messages=without(talk.messages, refused)) if refused else talk), None

    async def pending(self, talk: Conversation) -> tuple[Conversation, Blocked | RailFailed | None]:
        """Judge what the model is to answer now; always anew, for a rail may look at more than the text."""
        units = [unit for unit in units_of(talk.messages, self._roles) if unit.is_pending]
        turn = replace(self._turn, messages=talk.messages)
        if any(talk.messages[unit.indexes[0]]["role"] != "user" for unit in units):
            turn = await told_of(turn, talk)  # else each is told what it judges
        judged = await _all(units, lambda unit: self._unit(_of(talk, unit), turn, is_new=True))
        stop = next((found.stop for found in judged if found.stop is not None), None)
        if stop is not None:
            return talk, stop
        return talk.replaced(_changes(dict(zip(units, judged, strict=True)))), None

    async def _places(self, talk: Conversation, units: Sequence[Unit]) -> dict[Unit, Place | None]:
        """Return where the verdict on each is kept; a long conversation is looked at in slices."""
        places: dict[Unit, Place | None] = {}
        for unit in units:
            places[unit] = self._kept.place(self._scope, _of(talk, unit))
            if len(places) % _SLICE == 0:
                await let_others_run()
        return places

    async def _past(self, talk: Conversation, unit: Unit, place: Place | None = None) -> _Judged:
        messages = _of(talk, unit)
        before = talk.messages[: unit.indexes[-1] + 1]  # what there was when it was new
        turn = replace(self._turn, messages=before)
        found = await self._unit(messages, turn, is_new=False, place=place)
        if found.refused and found.stop is None and unit.is_current:  # only a rail can say why
            found = await self._unit(messages, turn, is_new=True)
        return found

    async def _unit(
        self, messages: tuple[Message, ...], turn: Turn, *, is_new: bool, place: Place | None = None
    ) -> _Judged:
        """Judge messages as one text; if it is refused, find out whether the newest of them is to blame."""
        together = await self._text(messages, turn, is_new=is_new, place=place)
        if len(messages) == 1 or not together.refused:
            return together
        alone = [await self._text((message,), turn, is_new=is_new) for message in messages]
        for one in alone:
            if isinstance(one.stop, RailFailed):
                return replace(one, messages=messages)
        if alone[-1].refused:
            return replace(alone[-1], messages=messages)
        if not any(one.refused for one in alone):
            return together
        kept = tuple(m for m, one in zip(messages, alone, strict=True) if not one.refused)
        rest = await self._text(kept, turn, is_new=is_new)
        if rest.refused or rest.stop is not None:
            return replace(rest, messages=messages)
        left = iter(rest.messages)
        return _Judged(tuple(removed(m) if one.refused else next(left) for m, one in zip(messages, alone, strict=True)))

    async def _text(
        self, messages: tuple[Message, ...], turn: Turn, *, is_new: bool, place: Place | None = None
    ) -> _Judged:
        if len(messages) > _SLICE:
            await let_others_run()
        place = place or self._kept.place(self._scope, messages)
        kept = None if is_new else self._kept.get(place)
        if kept is not None and kept.refused:
            return _Judged(messages, refused=True)
        if kept is not None and not kept.edits:
            return _Judged(messages)
        size = sum(len(message_text(message)) for message in messages)
        texts = await beside_the_loop(lambda: MessageTexts(messages), size)
        if kept is None:
            return await self._ask(texts, messages, turn, place)
        return await _edited(texts, kept.edits)

    async def _ask(
        self, texts: MessageTexts, messages: tuple[Message, ...], turn: Turn, place: Place | None
    ) -> _Judged:
        content, journal = texts.content, turn.journal
        own = Journal(journal.llm_calls, telling=journal.telling)  # its own checks, for others may run beside it
        turn = replace(turn, journal=own, user_message=content if messages[-1]["role"] == "user" else turn.user_message)
        try:
            passed, stop = await guard_text(self._rails, content, turn, parallel=self._parallel, as_written=True)
        finally:
            journal.rail_runs += own.rail_runs
        if isinstance(stop, RailFailed):
            return _Judged(messages, stop=stop)
        if stop is not None:
            self._kept.put(place, Kept(refused=True))
            return _Judged(messages, refused=True, stop=stop)
        edits = tuple(await beside_the_loop(lambda: differences(content, passed), len(content)))
        if not any(run.error is not None for run in own.rail_runs):  # a rail that failed has judged nothing
            self._kept.put(place, Kept(edits=edits))
        return await _edited(texts, edits)


def _changes(judged: Mapping[Unit, _Judged]) -> dict[int, Message]:
    """Return what goes on of messages that were judged; of a refused one no more than that it was."""
    return {
        index: removed(message) if found.refused else message
        for unit, found in judged.items()
        for index, message in zip(unit.indexes, found.messages, strict=True)
    }


async def told_of(turn: Turn, talk: Conversation) -> Turn:
    """Return what rails are told of a call now that its conversation has gone through input rails."""
    said = talk.user_message
    if "{" in said or "[" in said:  # in any of its texts, each of which is read for itself
        said = await beside_the_loop(lambda: talk.user_content, len(said))
    if turn.messages is talk.messages and turn.user_message == said:
        return turn
    return replace(turn, messages=talk.messages, user_message=said)


def _of(talk: Conversation, unit: Unit) -> tuple[Message, ...]:
    return tuple(talk.messages[index] for index in unit.indexes)


async def _edited(texts: MessageTexts, edits: Sequence[Edit]) -> _Judged:
    return _Judged(await beside_the_loop(lambda: texts.edited(edits), len(texts.content)))


async def _all(units: Sequence[Unit], judge: Callable[[Unit], Awaitable[_Judged]]) -> list[_Judged]:
    """Judge units, some at a time; what one of them raises is raised once no other is judged any more."""
    if len(units) < 2:  # most calls have one, or none: a task group costs more than all that is done for them
        return [await judge(unit) for unit in units]
    found: dict[int, _Judged] = {}
    errors: list[Exception] = []
    limit = anyio.Semaphore(_AT_ONCE)

    async def one(index: int) -> None:
        async with limit:
            if errors:
                return
            try:
                found[index] = await judge(units[index])
            except Exception as exc:  # noqa: BLE001  # raised below, outside the group, which would wrap it
                errors.append(exc)

    async with anyio.create_task_group() as tasks:
        for index in range(len(units)):
            tasks.start_soon(one, index)
    if errors:
        raise errors[0]
    return [found[index] for index in range(len(units))]
