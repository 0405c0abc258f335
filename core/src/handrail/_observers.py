"""Observers: they are told what happens in a call while it happens, and can change nothing of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail._events import Outcome

if TYPE_CHECKING:
    from handrail._events import Blocked, RailFailed
    from handrail._llm_call import LLMCall
    from handrail._records import CheckRecord

CallKind: TypeAlias = Literal["stream", "whole", "fed", "check"]
"""How an answer was asked for: as a stream, whole, pushed by the program, or not at all because rails run alone."""
CallOutcome: TypeAlias = Outcome


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """Which call something happens in.

    Attributes:
        call_id: names the call, in logs too.
        kind: how the answer was asked for.
        caller, conversation_id: as the program says.
        started_at: seconds since the epoch.
    """

    call_id: str
    kind: CallKind = "stream"
    caller: str | None = None
    conversation_id: str | None = None
    started_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Released:
    """Something went out.

    Attributes:
        characters: how many of text, reasoning and arguments.
        after: seconds since the call began.
        first: True for the first of the call.
    """

    characters: int
    after: float
    first: bool


@dataclass(frozen=True, slots=True)
class CallEnded:
    """How a call ended.

    Attributes:
        outcome: "left" if the consumer went before the end.
        duration: seconds.
        stop: the refusal or failure that ended it.
        error: what broke the generation.
        checks: every check, in the order in which they began to matter.
        llm_calls: every request to a model, a rail's own included.
    """

    outcome: CallOutcome
    duration: float
    stop: Blocked | RailFailed | None = None
    error: BaseException | None = None
    checks: Sequence[CheckRecord] = ()
    llm_calls: Sequence[LLMCall] = ()


class Observer:
    """What an observer may have; any object will do that has some of these methods.

    They are called in the event loop, in the order in which things happen, and must return at once: whatever takes
    longer belongs in a thread of the observer's own. Records are for reading. An observer that raises is logged and
    not called again. What a method may be told can grow: new methods are optional, and new fields have defaults.

    May also have `async def aclose(self)`, awaited when the `LLMRails` that it belongs to is closed.
    """

    def call_begun(self, call: ObservedCall) -> None:
        """Note that a call begins; in the context of whoever asks for the answer."""

    def model_asked(self, call: ObservedCall, request: LLMCall) -> None:
        """Note a request to a model, the main one or a rail's own."""

    def around_model(self, call: ObservedCall, request: LLMCall) -> AbstractContextManager[object] | None:
        """Return what is entered around a request, in the task that sends it; of a streamed one until it has begun."""
        del call, request
        return None

    def model_answered(self, call: ObservedCall, request: LLMCall) -> None:
        """Note how a request ended."""

    def check_begun(self, call: ObservedCall, check: CheckRecord) -> None:
        """Note that a rail is asked; of its record only what it is shown is known."""

    def around_check(self, call: ObservedCall, check: CheckRecord) -> AbstractContextManager[object] | None:
        """Return what is entered around the rail's work, in the task that does it; asked again if that is parted."""
        del call, check
        return None

    def check_ended(self, call: ObservedCall, check: CheckRecord) -> None:
        """Note what a rail said. `held` of a check that others hold up is known when the call ends."""

    def released(self, call: ObservedCall, released: Released) -> None:
        """Note the first text that goes out, and whatever else a check releases."""

    def stopped(self, call: ObservedCall, stop: Blocked | RailFailed) -> None:
        """Note that a rail ends the call, before the event of it goes out."""

    def call_ended(self, call: ObservedCall, ended: CallEnded) -> None:
        """Note that a call has ended, its provider is closed and no check runs. Called once for each that began."""
