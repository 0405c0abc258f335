"""What is known of one check: the record that events, the journal, logs, traces and observers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from handrail._types import Channel, Decision, Span, Verdict
from handrail.errors import message_of as message_of

FailureKind: TypeAlias = Literal["raised", "timed out", "contract", "cancelled"]
"""How a rail failed: it raised, took too long, returned what its interface does not allow, or ended its own task."""

WouldHave: TypeAlias = Literal["block", "rewrite", "failed"]
"""What a rail that observes would have done to the text, had it been asked to enforce."""


@dataclass(frozen=True, slots=True)
class RailId:
    """Which rail of a configuration: one rail used twice with other arguments is two.

    Attributes:
        name: the rail's name, without arguments.
        arguments: `$model=guard` gives `{"model": "guard"}`.
        text: the flow as the configuration has it, arguments included.
    """

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict, hash=False)
    text: str = ""

    def __post_init__(self) -> None:
        if not self.text:
            object.__setattr__(self, "text", self.name)

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class CheckRecord:
    """One check by a rail: a window, or for a stream rail the whole stream.

    Attributes:
        rail: the flow's name.
        direction: "input" or "output".
        decision: what the rail said; "failed" if it raised, timed out or returned nonsense, "cancelled" if its answer
            no longer mattered.
        reason, category, span: from the verdict; the span is in characters of the text that the rail saw.
        characters: how many the rail read.
        started_at, finished_at: seconds since the epoch.
        duration: seconds that the check took; 0 for a stream rail, which works while text passes.
        held: seconds that text waited for this check after the rail was asked.
        error: for "failed": what went wrong.
        allowed_on_error: True if the rail failed and `on_error: allow` let the text pass all the same.
        window: which characters it was shown, as start and end in the text that it saw.
        channel: what kind of text it was shown.
        rail_id: which rail of the configuration it was, arguments included.
        plugin: distribution and version behind the rail.
        score: from the verdict: how sure the rail is that the text violates, from 0 to 1.
        detail: from the verdict. May have text that was refused, so it is for the journal only.
        failure: for "failed": how.
        mode: "observe" for a rail that stops nothing.
        would_have: what a rail that observes would have done; the decision is "allow" then, or "failed". None if the
            text would have passed unchanged. Reason, category, span and score are those of the verdict.
    """

    rail: str
    direction: str
    decision: Decision | str = "allow"
    reason: str = ""
    category: str | None = None
    span: Span | None = None
    characters: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    duration: float = 0.0
    held: float = 0.0
    error: str | None = None
    allowed_on_error: bool = False
    window: Span = (0, 0)
    channel: Channel = "text"
    rail_id: RailId = None  # type: ignore[assignment]  # filled below from the name
    plugin: str = ""
    score: float | None = None
    detail: Mapping[str, object] | None = field(default=None, repr=False)
    failure: FailureKind | None = None
    mode: Literal["enforce", "observe"] = "enforce"
    would_have: WouldHave | None = None

    def __post_init__(self) -> None:
        if self.rail_id is None:
            self.rail_id = RailId(self.rail)

    def note_verdict(self, verdict: Verdict) -> None:
        """Write down what a verdict says beside its decision."""
        self.reason, self.category, self.span = verdict.reason, verdict.category, verdict.span
        self.score, self.detail = verdict.score, verdict.detail

    def note_failure(self, error: str, failure: FailureKind) -> None:
        """Write down that the rail has failed, and how."""
        self.decision, self.error, self.failure = "failed", error, failure

    def let_pass(self) -> None:
        """Write down that the rail only observes: what it decided becomes what it would have done."""
        if self.decision == "failed":
            self.would_have = None if self.allowed_on_error else "failed"
            self.allowed_on_error = True
        elif self.decision in ("block", "rewrite"):
            self.would_have = "block" if self.decision == "block" else "rewrite"
            self.decision = "allow"

    @property
    def stopped(self) -> bool:
        """True if the check ended the call, by a refusal or because the rail failed."""
        return self.decision == "block" or (self.decision == "failed" and not self.allowed_on_error)
