"""How a stream is cut into windows, and what any rail may set beside its own settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from handrail._types import Channel  # pydantic reads the annotation
from handrail.config._section import Count, Seconds, Section, SettingsByName, Tokens, reject
from handrail.config._when import When  # pydantic reads the annotation

_READ_BEFORE_FIRST_CHECK = 25

SIZES = ("chunk_size", "context_size", "hold_size", "first_chunk_size")
"""Keys that a strategy with settings of its own does not read."""

FailureMode = Literal["block", "allow"]
RailMode = Literal["enforce", "observe"]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]

YIELDED = frozenset({"threshold", "mode", "place", "when"})
"""Keys that are the rail's own where its settings have a field of that name."""


class StreamingConfig(Section):
    """`rails.output.streaming`. Sizes are tokens. Keys that are not listed are settings of the strategy.

    Attributes:
        enabled: whether output rails may stream; without it `stream_async` refuses to.
        chunk_size: the most tokens in a window, its overlap included.
        context_size: how many tokens a window has in common with the one before.
        hold_size: how many tokens at the end of a window wait for the next one; `context_size` unless set.
        first_chunk_size: tokens in the first window; unless set `hold_size` + 25, but at most `chunk_size`.
        stream_first: deliver text before it is checked, and retract it where a rail blocks.
        strategy: what cuts the stream into windows.
        max_pending: how many tokens the provider is read ahead.
        max_answer_characters: how long an answer may be, its text, reasoning and tool calls together; a longer one
            is a failed generation.
    """

    model_config = ConfigDict(extra="allow")

    enabled: bool = False
    chunk_size: Count = 200
    context_size: Tokens = 50
    hold_size: Tokens | None = None
    first_chunk_size: Count | None = None
    stream_first: bool = False
    strategy: str = "rolling"
    max_pending: Count = 2000
    max_answer_characters: Count = 4_000_000

    @property
    def resolved_hold_size(self) -> int:
        """`hold_size`, or what it is unless set; in tokens."""
        return self.context_size if self.hold_size is None else self.hold_size

    @property
    def resolved_first_chunk_size(self) -> int:
        """`first_chunk_size`, or what it is unless set; in tokens."""
        if self.first_chunk_size is not None:
            return self.first_chunk_size
        return min(self.resolved_hold_size + _READ_BEFORE_FIRST_CHECK, self.chunk_size)

    @property
    def strategy_settings(self) -> dict[str, Any]:
        """The keys that the kernel does not know, for the strategy's own model."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.context_size >= self.chunk_size:
            self._reject_context()
        hold, first = self.resolved_hold_size, self.resolved_first_chunk_size
        if hold > self.context_size:
            reject("hold_size", f"is {hold}; it must be at most context_size, which is {self.context_size}")
        if first > self.chunk_size:
            reject("first_chunk_size", f"is {first}; it must be at most chunk_size, which is {self.chunk_size}")
        if first <= hold:
            reject("first_chunk_size", f"is {first}; it must be more than hold_size, which is {hold}")
        return self

    def _reject_context(self) -> None:
        fit = self.chunk_size // 4
        if "context_size" in self.model_fields_set:
            reject(
                "context_size",
                f"is {self.context_size}; it must be below chunk_size, which is {self.chunk_size}; try {fit}",
            )
        reject(
            "chunk_size",
            f"is {self.chunk_size}, which leaves no room for context_size: 50 unless set, and it must be below "
            f"chunk_size; set context_size too, for example to {fit}",
        )


class RailOptions(Section):
    """The kernel's own keys under `rails.config.<rail>`, for whichever rail.

    Attributes:
        mode: "observe" for a rail that judges and stops nothing: what it would have done is recorded, and the text
            goes out at once, as if it had allowed it.
        streaming: keys of `rails.output.streaming` that are otherwise for this rail.
        max_concurrency: how many checks may run at once, of the text of an answer or of one of its tool calls.
        timeout: seconds that a check may take.
        on_error: what happens to the text when the rail fails.
        on_timeout: what happens to it when the rail does not answer in time; as `on_error` unless set.
        channels: what the rail is shown; what the rail itself says unless set, which is text and tool calls for most.
        threshold: the score from which on a text is refused, and below which it is not, for rails that score.
        when: at which score of a rail before it the rail is asked at all.
        place: where the rail runs, if it is not to run in the process that guards: an installed placement's name, with
            its settings below it.
    """

    mode: RailMode = "enforce"
    streaming: dict[str, Any] | None = None
    max_concurrency: Count = 8
    timeout: Seconds = 30.0
    on_error: FailureMode = "block"
    on_timeout: FailureMode | None = None
    channels: tuple[Channel, ...] | None = None
    threshold: Score | None = None
    when: When | None = None
    place: SettingsByName | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.channels is not None and not self.channels:
            reject(
                "channels",
                "is empty, so the rail would see nothing; name 'text', 'reasoning' or 'tool_calls'",
            )
        if self.place is not None and len(self.place) != 1:
            reject("place", f"names {len(self.place)} placements; name one, with its settings below it")
        return self

    @property
    def resolved_on_timeout(self) -> FailureMode:
        """`on_timeout`, or what it is unless set."""
        return self.on_error if self.on_timeout is None else self.on_timeout
