"""One call's turn of the conversation, as rails see it, and the journal in which that call is written down."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import anyio

from handrail._llm_call import LLMCall as LLMCall
from handrail._records import CheckRecord as CheckRecord
from handrail._types import Message, Usage
from handrail.errors import InvalidRequestError

if TYPE_CHECKING:
    from handrail._telling import Telling as _Telling  # the kernel's own


_RESOLUTION = 0.001  # seconds by which a timer may be early

DEADLINE: ContextVar[float] = ContextVar("handrail_deadline", default=math.inf)
"""When the check that runs must have ended, where no cancel scope around it says so."""


def effective_deadline() -> float:
    """Return when the code that runs must have ended, on the clock of `anyio.current_time()`, in seconds."""
    return min(anyio.current_effective_deadline(), DEADLINE.get())


@contextmanager
def deadline_at(when: float) -> Iterator[None]:
    """Have the code in the block see that it must have ended by then, or earlier."""
    token = DEADLINE.set(min(DEADLINE.get(), when))
    try:
        yield
    finally:
        DEADLINE.reset(token)


def is_late() -> bool:
    """Return whether the time of the check that runs is over, which tells a time-out from another cancellation."""
    return anyio.current_time() + _RESOLUTION >= DEADLINE.get()


def _call_id() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call comes from, as the program says.

    Attributes:
        caller: who asks.
        conversation_id: which conversation it is.
    """

    caller: str | None = None
    conversation_id: str | None = None

    @classmethod
    def of(cls, caller: str | None, conversation: str | None) -> Origin:
        """Return it after a check.

        Raises:
            InvalidRequestError: one of them is no text.
        """
        for name, value in (("caller", caller), ("conversation", conversation)):
            if value is not None and not isinstance(value, str):
                raise InvalidRequestError(f"{name!r} must be text, not {type(value).__name__}")
        return cls(caller, conversation)


NOWHERE = Origin()
"""The origin of a call of which the program says nothing."""


RailRun = CheckRecord
"""The name of a record before it was shared by everything that tells of a check; kept for one minor version."""


@dataclass(slots=True)
class Journal:
    """What happened in one call: its requests to models and its checks. Belongs to that call alone.

    Attributes:
        telling: what tells the observers of the call; None without any.
    """

    llm_calls: list[LLMCall] = field(default_factory=list)
    rail_runs: list[CheckRecord] = field(default_factory=list)
    telling: _Telling | None = field(default=None, repr=False, compare=False)

    def note(self, record: CheckRecord) -> None:
        """Write down a check that has ended."""
        self.rail_runs.append(record)
        if self.telling is not None:
            self.telling.check_ended(record)

    def asked(self, call: LLMCall) -> None:
        """Write down a request to a model that begins."""
        self.llm_calls.append(call)
        if self.telling is not None:
            self.telling.model_asked(call)

    def answered(self, call: LLMCall) -> None:
        """Write down that a request to a model is over."""
        if self.telling is not None:
            self.telling.model_answered(call)

    @property
    def usage(self) -> Usage:
        """The tokens of all requests so far."""
        return sum((call.usage for call in self.llm_calls), Usage())


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of the conversation that a rail judges.

    Attributes:
        messages: the conversation as the model sees it, the newest message last. Where a message of the history is
            judged, which happens once, it is the last one.
        user_message: what the user's newest messages say: their texts, and of JSON the keys and leaves.
        variables: context variables that the application gave; never what a rail is to judge.
        tools: the tool definitions that the model was offered, in OpenAI's form.
        journal: where this call's requests and checks are written down.
        call_id: names the call, in logs too.
        caller: who asks, as the program says; never taken from what a client sends.
        conversation_id: which conversation it is, as the program says.
        shared: a mapping that all rails of the call share, those of its input and of its output; it is the program's
            and its plugins' own, so keys should begin with a plugin's name.
        state: a mapping for the rail that is told, for this call: what its input side has noted, its output side finds
            there, if the two flows are written alike. No other rail sees it.
    """

    messages: tuple[Message, ...] = ()
    user_message: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Mapping[str, Any], ...] = ()
    journal: Journal = field(default_factory=Journal)
    call_id: str = field(default_factory=_call_id)
    caller: str | None = None
    conversation_id: str | None = None
    shared: MutableMapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    state: MutableMapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _states: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)
    _told: dict[str, Turn] = field(init=False, default_factory=dict, repr=False, compare=False)

    def for_rail(self, rail: str) -> Turn:
        """Return the turn as a rail of the call is told of it, with the state that belongs to the rail."""
        told = self._told.get(rail)
        if told is None:
            told = self._told[rail] = replace(self, state=self._states.setdefault(rail, {}))
        return told

    @property
    def deadline(self) -> float | None:
        """When the check that asks must have ended, on the clock of `anyio.current_time()`, in seconds; None for never.

        That is the rail's own time limit, or an earlier one that the program has set around the call by anyio. One that
        was set by `asyncio.timeout` cannot be seen from inside.
        """
        found = effective_deadline()
        return None if found == math.inf else found

    @property
    def usage(self) -> Usage:
        """The tokens that this call has cost so far, the rails' own requests included."""
        return self.journal.usage
