"""How the channels of an answer are read: which stages each has, what its text says, and whose turn it is to go out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from handrail._content import AutoContent, JsonContent, may_be_json
from handrail._events import ReasoningDelta
from handrail._stream.chain import Aside, Chain
from handrail._stream.plan import stage_plans
from handrail._stream.reading import Decoding, Encoding
from handrail._stream.sessions import SessionStage
from handrail._stream.windows import WindowStage
from handrail._types import ToolCallDelta

if TYPE_CHECKING:
    from handrail._content import Content
    from handrail._stream.chain import Stage
    from handrail._stream.kept import Key
    from handrail._stream.plan import RailPlan
    from handrail._stream.steps import Step
    from handrail._turn import Turn
    from handrail._types import Channel

_MakeContent: TypeAlias = Callable[[], "Content"]

_MUCH_SPACE = 64  # characters at the beginning of a text, after which it is read as if it were JSON, which it may be


class Channels:
    """Builds the chain of each channel of one answer.

    Attributes:
        turn: what sessions are told of the call, and its journal.

    Args:
        rails: what guards the answer.
        turn: the same.
        parallel: whether edits of neighbouring window rails are joined instead of following one another.
        whole: whether window rails are asked one after another, because the text is whole before they see it.
        is_json: whether the text was asked for as JSON, so that it has to be.
        as_written: whether rails see the text as it is written, because it is content already.
    """

    def __init__(
        self, rails: Sequence[RailPlan], turn: Turn, *, parallel: bool, whole: bool, is_json: bool, as_written: bool
    ) -> None:
        self._rails = tuple(rails)
        self.turn = turn
        self._parallel = parallel
        self._whole = whole
        self._is_json = is_json
        self._as_written = as_written

    def guarding(self, channel: Channel) -> tuple[RailPlan, ...]:
        """Return the rails that see a channel."""
        return tuple(rail for rail in self._rails if channel in rail.channels)

    def is_undecided(self, beginning: str) -> bool:
        """Return whether a text that begins so may yet be JSON or none: it is white space, and not much of it."""
        if self._as_written or self._is_json or len(beginning) > _MUCH_SPACE:
            return False
        return beginning.isspace() and self._holds_text

    @property
    def _holds_text(self) -> bool:
        return not all(rail.observes for rail in self.guarding("text"))

    def text(self, beginning: str, step: Step, *, is_refusal: bool = False) -> Chain:
        """Return the chain of the text. One that begins like JSON is read as JSON for as long as it is.

        Args:
            beginning: the first characters of the text, of which one says something.
            step: takes note of a session that cannot be opened.
            is_refusal: the model refuses, in words, also where it was asked for JSON.
        """
        strict = self._is_json and not is_refusal
        make: _MakeContent | None = None
        may_be = may_be_json(beginning) or (beginning.isspace() and not self._holds_text)
        if not self._as_written and (strict or may_be):
            make = partial(AutoContent, strict=strict)
        return Chain(self._stages(("text", 0), None, make, step))

    def reasoning(self, step: Step) -> Chain:
        """Return the chain of the reasoning."""
        return Chain(self._stages(("reasoning", 0), None, None, step), ReasoningDelta)

    def tool_call(self, opening: ToolCallDelta, step: Step) -> Chain:
        """Return the chain of a tool call's arguments.

        Args:
            opening: the fragment that opened it.
            step: takes note of a session that cannot be opened.
        """
        make: _MakeContent = AutoContent if opening.kind == "custom" else JsonContent
        stages = self._stages(("tool_calls", opening.index), opening.name, make, step)
        return Chain(stages, _ToolCall(opening), opening=opening.name is not None)

    def _stages(self, key: Key, tool_name: str | None, make: _MakeContent | None, step: Step) -> list[Stage]:
        """Return the stages of a channel: rails that read its content are in stretches that decode and encode it."""
        stages: list[Stage] = []
        reads_raw = attrgetter("reads_raw") if key[0] == "tool_calls" else _nothing_raw
        for is_raw, group in groupby(self.guarding(key[0]), reads_raw):
            rails = tuple(group)
            inner = [
                self._window_stage(plan, key, tool_name) if isinstance(plan, tuple) else self._session(plan, key, step)
                for plan in stage_plans(rails, parallel=self._parallel, whole=self._whole)
            ]
            stages += self._stretch(inner, rails, key[0], None if is_raw else make)
        return stages

    def _window_stage(self, plans: tuple[tuple[RailPlan, int], ...], key: Key, tool_name: str | None) -> WindowStage:
        return WindowStage(plans, self.turn, key, tool_name)

    def _session(self, plan: RailPlan, key: Key, step: Step) -> SessionStage:
        session = SessionStage(plan, self.turn, key[0])
        session.open(step)
        return session

    def _stretch(
        self,
        inner: Sequence[SessionStage | WindowStage],
        rails: Sequence[RailPlan],
        channel: Channel,
        make: _MakeContent | None,
    ) -> list[Stage]:
        """Return stages between what decodes the text for them and what encodes what they let through.

        Where all of them observe, text passes as it is written; what cannot be decoded is none of a reader's business.
        """
        journal = self.turn.journal
        enforcing = [rail for rail in rails if not rail.observes]
        if not enforcing:
            decoding = [] if make is None else [Decoding(make(), inner[0], rails[0], channel, journal)]
            return [Aside(Chain([*decoding, *inner]))]
        stages = [Aside(Chain([one])) if _observes(one) else one for one in inner]
        if make is None:
            return list(stages)
        content, rail = make(), enforcing[0]
        writing = [stage for stage in stages if not isinstance(stage, Aside)]
        for stage in writing:
            stage.note_pieces()
        retracts = any(rail.stream_first for rail in rails)
        return [
            Decoding(content, stages[0], rail, channel, journal),
            *stages,
            Encoding(content, writing, rail, channel, journal, retracts=retracts),
        ]


def _observes(stage: SessionStage | WindowStage) -> bool:
    """Return whether nothing that comes of a stage is carried out, so that it need not be waited for."""
    return all(plan.observes for plan in stage.plans)


def _nothing_raw(_: RailPlan) -> bool:
    return False


class _ToolCall:
    """Makes fragments of a tool call; what opens it goes out with the first of them."""

    def __init__(self, opening: ToolCallDelta) -> None:
        self._opening = opening

    def __call__(self, arguments: str) -> ToolCallDelta:
        opening, self._opening = self._opening, ToolCallDelta(self._opening.index, kind=self._opening.kind)
        return ToolCallDelta(opening.index, opening.id, opening.name, arguments, opening.kind)


class Calls:
    """Has calls go out one after another, for that is how clients expect them: OpenAI's fails on an index out of turn.

    Attributes:
        empty: indices of the calls that have no arguments so far; a custom tool's input may be empty.
    """

    __slots__ = ("_queue", "empty")

    def __init__(self) -> None:
        self.empty: set[int] = set()
        self._queue: deque[Chain] = deque()  # from the call whose turn it is

    def add(self, opening: ToolCallDelta, chain: Chain) -> None:
        """Take the next call; what comes out of it waits until those before it are done."""
        if opening.kind == "function":
            self.empty.add(opening.index)
        if self._queue:
            chain.waiting = []
        self._queue.append(chain)

    def go_on(self, step: Step) -> None:
        """Let go out what has waited, as far as the calls before it are done."""
        queue = self._queue
        while len(queue) > 1 and queue[0].done:
            queue.popleft()
            step.items.extend(queue[0].waiting or ())
            queue[0].waiting = None
