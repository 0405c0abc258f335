"""What a configuration compiles to: rails that are built, with everything the engine must know of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from handrail._events import Blocked, RailFailed
from handrail._protocols import StatefulWindowRail, Strategy, StreamRail, WindowRail, WindowSession
from handrail._records import CheckRecord, FailureKind, RailId
from handrail._stream.strategies import Whole
from handrail._turn import Turn
from handrail._types import Channel, Verdict, Window
from handrail.errors import PluginContractError

MakeStrategy: TypeAlias = Callable[[], Strategy]

Judge: TypeAlias = Callable[[Window, Turn], object]
"""Asks a rail about a window; returns what the rail returns."""

READ_BY_ALL: tuple[Channel, ...] = ("text", "tool_calls")
"""What a rail is shown that does not say: all that a reader can act on."""


@dataclass(frozen=True, slots=True)
class RailPlan:
    """One rail of a flow list.

    Attributes:
        name: the flow's name as the configuration has it.
        plugin: distribution and version behind it, for errors.
        rail: the built rail.
        direction: the list in which it stands.
        channels: the channels it guards.
        make_strategy: builds the strategy of a window rail for one stream.
        strategy_plugin: distribution and version behind the strategy, for errors.
        strategy: the strategy's name; empty for a rail whose text is not cut into windows.
        sizes: the settings that the strategy runs with, by name; the kernel's are in tokens.
        key: where under `rails.config` its settings stand, as written; None if nowhere.
        stream_first: True if text does not wait for this rail, and a block retracts.
        max_concurrency: how many of its checks may run at once in one stream.
        timeout: seconds that a check may take; None for no limit.
        allow_on_error, allow_on_timeout: True if the text passes when the rail fails.
        reads_raw: True if the rail is shown the arguments of a tool call as they are written.
        rewrites: False if the rail never asks for an edit, so that rails after it need not expect one.
        defers: True for a rail that judges windows until it first changes one, and then the whole text.
        rewrites_whole: True if what it makes of a text is known for the whole text alone.
        rail_id: which rail of the configuration it is, arguments included.
        threshold: the score from which on a text is refused, whatever else the rail says; None for none.
        is_stateful: True if a window rail judges each stream by a session of its own, one window after another.
        observes: True if the rail judges and stops nothing: text never waits for it.
        is_stream_rail: True if the rail keeps a session for each stream instead of judging windows.
        is_immediate: True if its `check` is a plain function, which answers at once.
    """

    name: str
    plugin: str
    rail: WindowRail | StatefulWindowRail | StreamRail
    direction: Literal["input", "output"] = "output"
    channels: tuple[Channel, ...] = ("text",)
    make_strategy: MakeStrategy | None = None
    strategy_plugin: str = ""
    strategy: str = ""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    stream_first: bool = False
    max_concurrency: int = 8
    timeout: float | None = 30.0
    allow_on_error: bool = False
    allow_on_timeout: bool = False
    reads_raw: bool = False
    rewrites: bool = True
    defers: bool = False
    rewrites_whole: bool = False
    rail_id: RailId = None  # type: ignore[assignment]  # filled below from the name
    threshold: float | None = None
    is_stateful: bool = False
    observes: bool = False
    is_stream_rail: bool = field(init=False)
    is_immediate: bool = field(init=False)

    def __post_init__(self) -> None:
        if self.rail_id is None:
            object.__setattr__(self, "rail_id", RailId(self.name))
        object.__setattr__(self, "is_stream_rail", not self.is_stateful and callable(getattr(self.rail, "open", None)))
        is_plain = not self.is_stream_rail and not self.is_stateful and _is_plain(self.rail)
        object.__setattr__(self, "is_immediate", is_plain)

    @property
    def comes_at_the_end(self) -> bool:
        """True if text comes out of the rail only once all has gone in, so that there is no reading ahead of it."""
        return self.rewrites_whole and not self.defers and not self.observes

    @property
    def holds(self) -> bool:
        """True if text waits for the rail."""
        return not self.stream_first and not self.observes

    @property
    def changes(self) -> bool:
        """True if rails after this one must expect that it asks for an edit, and that it is carried out."""
        return self.rewrites and not self.observes

    def blocked(self, verdict: Verdict, channel: Channel) -> Blocked:
        """Return the event of this rail's refusal."""
        return Blocked(
            rail=self.name,
            direction=self.direction,
            reason=verdict.reason,
            category=verdict.category,
            span=verdict.span,
            channel=channel,
            message=verdict.message,
            score=verdict.score,
            rail_id=self.rail_id,
        )

    def failed(self, error: str, channel: Channel, *, kind: FailureKind = "raised") -> RailFailed:
        """Return the event of this rail's failure."""
        return RailFailed(
            rail=self.name,
            direction=self.direction,
            error=error,
            timed_out=kind == "timed out",
            channel=channel,
            kind=kind,
            plugin=self.plugin,
            rail_id=self.rail_id,
        )

    def record(self, channel: Channel, started_at: float, window: Window | None = None) -> CheckRecord:
        """Begin the record of a check by this rail: of a window, or of what a session is yet to read."""
        characters, span = (0, (0, 0)) if window is None else (len(window.text), (window.context_start, window.end))
        mode: Literal["enforce", "observe"] = "observe" if self.observes else "enforce"
        # There is one for each window, and names would cost as much again as positions.
        return CheckRecord(
            self.name, self.direction, "allow", "", None, None, characters, started_at,
            0.0, 0.0, 0.0, None, False,  # noqa: FBT003  # from `finished_at` to `allowed_on_error`
            span, channel, self.rail_id, self.plugin, None, None, None, mode,
        )  # fmt: skip

    def judge(self) -> Judge:
        """Return what judges the windows of one stream, in order."""
        return _Stateful(self.rail).check if self.is_stateful else self.rail.check  # type: ignore[arg-type, union-attr]  # which of them it is

    def for_whole_text(self) -> RailPlan:
        """Return the same rail with one window of everything in place of its strategy."""
        return self if self.is_stream_rail else replace(self, make_strategy=Whole, stream_first=False)

    def for_message(self) -> RailPlan:
        """Return the same rail for a user's message: it reads the text, whatever it looks at in an answer."""
        return replace(self.for_whole_text(), channels=("text",))


class _Stateful:
    """Judges one stream by the session of a rail, which is opened when the first window comes."""

    def __init__(self, rail: StatefulWindowRail) -> None:
        self._rail = rail
        self._session: WindowSession | None = None

    def check(self, window: Window, turn: Turn) -> object:
        """Ask the session.

        Raises:
            PluginContractError: what was opened has no `check`.
        """
        if self._session is None:
            session = self._rail.open(turn)
            if not callable(getattr(session, "check", None)):
                kind = type(session).__name__
                raise PluginContractError(f"open() returned a {kind}; it must return an object with check(window)")
            self._session = session
        return self._session.check(window)


Ranked: TypeAlias = tuple[RailPlan, int]
"""A window rail and its rank: rails of one rank judge a text side by side, later ones what the earlier make of it."""

StagePlan: TypeAlias = RailPlan | tuple[Ranked, ...]
"""A stream rail, or window rails that read the same text."""


def stage_plans(rails: Sequence[RailPlan], *, parallel: bool, whole: bool = False) -> list[StagePlan]:
    """Group the rails of a flow list into stages: neighbouring window rails share one.

    Args:
        rails: the rails, in order.
        parallel: whether neighbours have one rank, so that their edits are joined.
        whole: whether rails in order wait for one another, because there is nothing to gain but checks in vain.
    """
    stages: list[StagePlan] = []
    watching: list[StagePlan] = []  # stream rails that observe, which part no neighbours
    for rail in rails:
        if rail.is_stream_rail and rail.observes:
            watching.append(rail)
            continue
        before = stages[-1] if stages else None
        joined = _joined(before, rail, parallel=parallel, whole=whole) if isinstance(before, tuple) else None
        if joined is not None:
            stages[-1] = joined
            continue
        stages += watching
        watching.clear()
        stages.append(rail if rail.is_stream_rail else ((rail, 0),))
    return stages + watching


def _joined(before: tuple[Ranked, ...], rail: RailPlan, *, parallel: bool, whole: bool) -> tuple[Ranked, ...] | None:
    """Return a stage with one more rail in it; None if that has to be in a stage of its own."""
    if rail.is_stream_rail or before[-1][0].comes_at_the_end:
        return None
    enforcing = [ranked for ranked in before if not ranked[0].observes]
    if not enforcing:
        return (*before, (rail, 0))
    neighbour, rank = enforcing[-1]
    if parallel and not rail.rewrites_whole and not neighbour.rewrites_whole:
        return (*before, (rail, rank))
    return None if whole else (*before, (rail, rank + 1))


def _is_plain(rail: object) -> bool:
    """Return whether `check` is a function without `async`, decorators looked through."""
    check: Any = getattr(rail, "check", None)
    while not inspect.iscoroutinefunction(check) and hasattr(check, "__wrapped__"):
        check = check.__wrapped__
    return inspect.isroutine(check) and not inspect.iscoroutinefunction(check)


@dataclass(frozen=True, slots=True)
class Words:
    """What a user is told after a block or a failure, where the rail itself does not say.

    Attributes:
        input_refusal, output_refusal: after a refusal by a rail of that direction.
        failure: after a rail that could not do its work.
    """

    input_refusal: str = ""
    output_refusal: str = ""
    failure: str = ""

    def on(self, stop: Blocked | RailFailed) -> Blocked | RailFailed:
        """Return the event with what the user is told."""
        if isinstance(stop, RailFailed):
            return replace(stop, message=self.failure)
        refusal = self.input_refusal if stop.direction == "input" else self.output_refusal
        return replace(stop, message=stop.message or refusal)


NO_WORDS = Words()
