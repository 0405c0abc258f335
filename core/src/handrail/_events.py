"""What a guarded stream delivers, and how a block looks where only text can be delivered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from handrail._records import FailureKind, RailId
from handrail._types import Channel, Span, ToolCallDelta, Usage, slots_of
from handrail.errors import InvalidArgumentError, TimedOut, message_of


@dataclass(frozen=True, slots=True, init=False)
class TextDelta:
    """The next characters of the answer.

    Attributes:
        text: the characters, as rails let them through.
        start: where they stand in the delivered text, in characters.
        kind: "refusal" where the model refuses to answer, which some protocols tell apart.
    """

    text: str
    start: int
    kind: Literal["text", "refusal"] = "text"

    def __init__(self, text: str, start: int, kind: Literal["text", "refusal"] = "text") -> None:
        for_text, for_start, for_kind = _TEXT_DELTA_SLOTS  # made for every token, as chunks are
        for_text(self, text)
        for_start(self, start)
        for_kind(self, kind)


_TEXT_DELTA_SLOTS = slots_of(TextDelta)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next characters of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Retraction:
    """Delivered text must be withdrawn: the characters `[start, end)` of a channel. Only with `stream_first`."""

    start: int
    end: int
    channel: Channel = "text"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A rail refused: nothing more of the answer follows.

    Attributes:
        rail: the flow's name.
        direction: "input" if it refused the user's message, "output" if the answer.
        reason, category: from the rail's verdict.
        span: the characters to blame, in the text that the rail saw.
        message: what to show to a user instead, such as the configured refusal.
        score: how sure the rail was, from 0 to 1, where it says so.
        rail_id: which rail of the configuration it was, arguments included.
    """

    rail: str
    direction: Literal["input", "output"]
    reason: str = ""
    category: str | None = None
    span: Span | None = None
    channel: Channel = "text"
    message: str = ""
    score: float | None = None
    rail_id: RailId | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RailFailed:
    """A rail could not do its work, so nothing more of the answer follows. This is a failure and no refusal.

    Attributes:
        rail: the flow's name.
        direction: "input" or "output".
        error: what went wrong, with the plugin's name and version.
        timed_out: True if the rail did not answer in time.
        kind: how it failed.
        plugin: distribution and version behind it.
        rail_id: which rail of the configuration it was, arguments included.
    """

    rail: str
    direction: Literal["input", "output"]
    error: str
    timed_out: bool = False
    channel: Channel = "text"
    message: str = ""
    kind: FailureKind = field(default="raised", compare=False)
    plugin: str = field(default="", compare=False)
    rail_id: RailId | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete and all of it was delivered.

    Attributes:
        finish_reason: as the provider gave it.
        usage: tokens of this answer, where they are known.
        metadata: what else the provider sent.
    """

    finish_reason: str | None = None
    usage: Usage | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


Event: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta | Retraction | Blocked | RailFailed | Finished

Outcome: TypeAlias = Literal["finished", "blocked", "rail failed", "generation failed", "timed out", "left"]
"""How a call ended; "left" if its consumer went before the end."""


def outcome_of(stop: Blocked | RailFailed | None, error: BaseException | None, *, complete: bool) -> Outcome:
    """Return how a call ended.

    Args:
        stop: the refusal or failure that ended it.
        error: what broke the generation.
        complete: whether the whole answer was delivered.
    """
    if stop is not None:
        return "blocked" if isinstance(stop, Blocked) else "rail failed"
    if error is not None:
        return "timed out" if isinstance(error, TimedOut) else "generation failed"
    return "finished" if complete else "left"


class StreamError(str):
    """An error among the texts of `stream_async()`: JSON text, told from a model's text by its type.

    Attributes:
        error: the object under the key `error`: `message`, `type`, `param`, `code`.
        event: the event behind it; None for an error of the generation.
    """

    __slots__ = ("error", "event")

    error: dict[str, str]
    event: Blocked | RailFailed | None

    @classmethod
    def of(cls, event: Blocked | RailFailed) -> StreamError:
        """Render a block or a rail's failure."""
        InvalidArgumentError.unless(
            isinstance(event, Blocked | RailFailed), "event", event, "a Blocked or a RailFailed"
        )
        if isinstance(event, Blocked):
            message, kind, code = f"Blocked by {event.rail} rails.", "guardrails_violation", "content_blocked"
        else:
            message = f"Internal error in {event.rail} rails."
            kind, code = "internal_error", "rail_execution_failure"
        return cls._make({"message": message, "type": kind, "param": event.rail, "code": code}, event)

    @classmethod
    def of_generation(cls, error: Exception) -> StreamError:
        """Render a generation that failed."""
        fields = {"message": message_of(error), "type": "generation_error", "param": "stream"}
        code = "timed_out" if isinstance(error, TimedOut) else "generation_failed"
        return cls._make({**fields, "code": code}, None)

    @classmethod
    def _make(cls, fields: dict[str, str], event: Blocked | RailFailed | None) -> StreamError:
        made = cls(json.dumps({"error": fields}))
        made.error = fields
        made.event = event
        return made
