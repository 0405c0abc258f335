"""What custom actions are made of: the marker of an action, and what an action may return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])

ACTION_NAME = "action_meta"
"""The attribute that `@action` sets, with the action's name in it."""


def action(
    is_system_action: bool = False,  # noqa: FBT001, FBT002  # the published signature
    name: str | None = None,
    execute_async: bool = False,  # noqa: FBT001, FBT002
    output_mapping: Callable[[Any], object] | None = None,
) -> Callable[[T], T]:
    """Mark a function, or a class with `run`, as an action that flows may execute.

    Args:
        is_system_action: kept for existing code; without effect.
        name: the name in flows; the function's unless set.
        execute_async: kept for existing code; without effect, for a rail waits for what it asks.
        output_mapping: returns whether a result forbids the text; asked where no flow looks at the result.
    """

    def mark(function: T) -> T:
        meta = {
            "name": name or function.__name__,
            "is_system_action": is_system_action,
            "execute_async": execute_async,
            **({} if output_mapping is None else {"output_mapping": output_mapping}),
        }
        setattr(function, ACTION_NAME, meta)
        return function

    return mark


@dataclass
class ActionResult:
    """A return value with more to say.

    Attributes:
        return_value: what the flow's variable gets.
        events: not supported; an action that gives any makes its rail fail.
        context_updates: variables to set.
    """

    return_value: Any = None
    events: list[dict[str, Any]] | None = None
    context_updates: dict[str, Any] | None = field(default_factory=dict)


class RailDecision(StrEnum):
    """What an action decides."""

    ALLOW = "allow"
    BLOCK = "block"
    TRANSFORM = "transform"


class TransformTarget(StrEnum):
    """What an action may rewrite."""

    USER_MESSAGE = "user_message"
    BOT_MESSAGE = "bot_message"
    RELEVANT_CHUNKS = "relevant_chunks"


@dataclass(frozen=True, slots=True)
class TransformSpec:
    """One rewritten text."""

    target: TransformTarget
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", TransformTarget(self.target))


@dataclass(frozen=True, slots=True)
class RailOutcome:
    """What an action says of a text. It is true unless it blocks, so that `if not $allowed` reads it as it should.

    Attributes:
        decision: allow, block or transform.
        reason: for people.
        metadata: for programs.
        transforms: the rewritten texts; there are some exactly if the decision is to transform.
        failed: True if the action could not decide, which makes the rail fail.
    """

    decision: RailDecision
    reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    transforms: tuple[TransformSpec, ...] = ()
    failed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "decision", RailDecision(self.decision))
        object.__setattr__(self, "transforms", tuple(self.transforms))
        if bool(self.transforms) != (self.decision is RailDecision.TRANSFORM):
            raise ValueError("an outcome has transforms if it transforms, and only then")
        if self.failed and self.decision is not RailDecision.BLOCK:
            raise ValueError("an outcome that has failed must block")

    def __bool__(self) -> bool:
        return not self.is_blocked

    @property
    def is_blocked(self) -> bool:
        """True if the text must not pass."""
        return self.decision is RailDecision.BLOCK

    @property
    def is_transform(self) -> bool:
        """True if texts are rewritten."""
        return self.decision is RailDecision.TRANSFORM

    @property
    def transform_text(self) -> dict[str, str]:
        """The rewritten texts by what they replace."""
        return {spec.target.value: spec.text for spec in self.transforms}

    @classmethod
    def allow(cls, *, reason: str | None = None, metadata: Mapping[str, Any] | None = None) -> RailOutcome:
        """Let the text pass."""
        return cls(RailDecision.ALLOW, reason, metadata or {})

    @classmethod
    def block(cls, *, reason: str | None = None, metadata: Mapping[str, Any] | None = None) -> RailOutcome:
        """Let nothing more pass."""
        return cls(RailDecision.BLOCK, reason, metadata or {})

    @classmethod
    def failure(cls, *, reason: str | None = None, metadata: Mapping[str, Any] | None = None) -> RailOutcome:
        """Block because the action could not decide."""
        return cls(RailDecision.BLOCK, reason, metadata or {}, failed=True)

    @classmethod
    def transform(
        cls,
        rewrites: Sequence[tuple[TransformTarget, str]],
        *,
        reason: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> RailOutcome:
        """Let the text pass rewritten."""
        specs = tuple(TransformSpec(target, text) for target, text in rewrites)
        return cls(RailDecision.TRANSFORM, reason, metadata or {}, specs)
