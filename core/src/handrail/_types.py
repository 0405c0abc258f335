"""The records that pass between a provider, a rail, a strategy and the stream: frozen, slotted, without behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from handrail.errors import InvalidArgumentError

Message: TypeAlias = Mapping[str, Any]
"""One message of a conversation in OpenAI's form: `role`, `content`, and what the role adds."""

Span: TypeAlias = tuple[int, int]
"""Start (included) and end (excluded) of a piece of text, in characters of the whole text."""

Channel: TypeAlias = Literal["text", "reasoning", "tool_calls"]
"""What a model sends, apart from one another: the answer, its reasoning, the arguments of its tool calls."""

CountTokens: TypeAlias = Callable[[str], int]
"""Returns the number of tokens of a text. Cheap, exact where a vocabulary is at hand, never a download."""

Decision: TypeAlias = Literal["allow", "block", "rewrite"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a call has cost.

    Attributes:
        input_tokens: tokens of the prompt.
        output_tokens: tokens of the completion, reasoning included.
        estimated: True if any part was counted here instead of reported by the provider.
        cached_tokens: those of the prompt that the provider had in its cache, which cost less.
        reasoning_tokens: those of the completion that were reasoning.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together, in tokens."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated or other.estimated,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of one tool call.

    Attributes:
        index: which of the answer's calls this belongs to, from 0.
        id: the call's id; in the fragment that opens the call, None in later ones.
        name: the function's name; in the fragment that opens the call, None in later ones.
        arguments: the next characters of the JSON text of the arguments, or of a custom tool's input.
        kind: "custom" for a tool whose input is a text and no JSON.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A whole tool call, put together from its fragments.

    Attributes:
        id: the call's id.
        name: the function's name.
        arguments: JSON text as the model wrote it, or a custom tool's input.
        kind: "custom" for a tool whose input is a text and no JSON.
    """

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, slots=True, init=False)
class Chunk:
    """What a provider yields. Any part may be absent; an empty chunk is allowed and means nothing.

    Attributes:
        text: the next characters of the answer.
        reasoning: the next characters of the model's reasoning.
        tool_calls: fragments of tool calls.
        usage: what the call has cost so far; the last one given counts.
        finish_reason: why the model ended ("stop", "length", "tool_calls", "content_filter").
        metadata: anything else, such as the provider's request id; later keys replace earlier ones. What belongs to the
            protocol of the provider stands under `wire`, as its package documents it.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    usage: Usage | None = None
    finish_reason: str | None = None
    metadata: Mapping[str, Any] | None = None

    def __init__(
        self,
        text: str = "",
        reasoning: str = "",
        tool_calls: tuple[ToolCallDelta, ...] = (),
        usage: Usage | None = None,
        finish_reason: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        for_text, for_reasoning, for_calls, for_usage, for_reason, for_metadata = _CHUNK_SLOTS
        for_text(self, text)
        for_reasoning(self, reasoning)
        for_calls(self, tool_calls)
        for_usage(self, usage)
        for_reason(self, finish_reason)
        for_metadata(self, metadata)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters `[start, end)` of the whole text by `replacement`."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True, init=False)
class Window:
    """A piece of a stream that a window rail is asked about.

    All offsets are characters of the whole text of the rail's channel, as the stage before it let it through.

    Attributes:
        text: the characters `[context_start, end)`.
        context_start: where `text` begins; what precedes `start` was in earlier windows and is here as context.
        start: the first character that no earlier window covered.
        end: where `text` ends.
        clears: once this window and all before it have passed, the text is cleared up to here.
        last: True if the strategy knew, as it made the window, that no more text will come.
        channel: what kind of text this is.
        tool_name: for the channel `tool_calls`, the name of the function whose arguments these are.
    """

    text: str
    context_start: int
    start: int
    end: int
    clears: int
    last: bool = False
    channel: Channel = "text"
    tool_name: str | None = None

    def __init__(
        self,
        text: str,
        context_start: int,
        start: int,
        end: int,
        clears: int,
        last: bool = False,  # noqa: FBT001, FBT002  # a record's field
        channel: Channel = "text",
        tool_name: str | None = None,
    ) -> None:
        for_text, for_context, for_start, for_end, for_clears, for_last, for_channel, for_tool = _WINDOW_SLOTS
        for_text(self, text)
        for_context(self, context_start)
        for_start(self, start)
        for_end(self, end)
        for_clears(self, clears)
        for_last(self, last)
        for_channel(self, channel)
        for_tool(self, tool_name)

    def span(self, start: int, end: int) -> Span:
        """Turn offsets within `text`, as `re.Match.span()` gives them, into a span of the whole text."""
        return (self.context_start + start, self.context_start + end)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rail says of a window. Make one with `allow`, `block` or `rewrite`.

    Attributes:
        decision: "allow", "block" or "rewrite".
        reason: for people: why. Shown in logs and block events.
        category: for programs: which kind of violation.
        span: the characters of the whole text that are to blame, if the rail knows them.
        edits: for "rewrite", what to replace.
        message: for "block", what to tell the user instead of the configured refusal.
        score: how sure the rail is that the text violates, from 0 to 1; None for a rail that does not score.
        detail: for the journal and for measuring. It is never sent to a client and never logged.
    """

    decision: Decision
    reason: str = ""
    category: str | None = None
    span: Span | None = None
    edits: tuple[Edit, ...] = ()
    message: str = ""
    score: float | None = None
    detail: Mapping[str, object] | None = field(default=None, repr=False, hash=False)

    @classmethod
    def allow(
        cls, reason: str = "", *, score: float | None = None, detail: Mapping[str, object] | None = None
    ) -> Verdict:
        """Let the text pass.

        Args:
            reason: for people: why.
            score: how sure the rail is that the text violates, from 0 to 1.
            detail: for the journal only.
        """
        if not reason and score is None and detail is None:
            return _ALLOW
        return cls("allow", reason, score=score, detail=detail)

    @classmethod
    def block(
        cls,
        reason: str = "",
        *,
        category: str | None = None,
        span: Span | None = None,
        message: str = "",
        score: float | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Verdict:
        """Stop the stream: nothing that is not yet delivered will be.

        Args:
            reason: for people: why.
            category: for programs: which kind of violation.
            span: the characters of the whole text that are to blame.
            message: what to tell the user instead of the configured refusal.
            score: how sure the rail is that the text violates, from 0 to 1.
            detail: for the journal only, such as which phrases were found.
        """
        return cls("block", reason, category, span, message=message, score=score, detail=detail)

    @classmethod
    def rewrite(cls, edits: Iterable[Edit], reason: str = "", *, category: str | None = None) -> Verdict:
        """Let the text pass with replacements. Edits of one verdict must not overlap one another."""
        if not isinstance(edits, Iterable) or isinstance(edits, str):
            raise InvalidArgumentError(f"edits takes a list of Edits, not {type(edits).__name__}")
        return cls("rewrite", reason, category, None, tuple(edits))


_ALLOW = Verdict("allow")


@dataclass(frozen=True, slots=True, init=False)
class Ruling:
    """What the session of a stream rail says after each piece of text.

    Attributes:
        text: what is final now, rewritten if need be; it is delivered even when `block` is set.
        block: a blocking verdict, if the stream must end after `text`.
        edits: what was rewritten in `text`, as spans of the text that was fed; for the log.
    """

    text: str = ""
    block: Verdict | None = None
    edits: tuple[Edit, ...] = ()

    def __init__(self, text: str = "", block: Verdict | None = None, edits: tuple[Edit, ...] = ()) -> None:
        for_text, for_block, for_edits = _RULING_SLOTS
        for_text(self, text)
        for_block(self, block)
        for_edits(self, edits)


# Chunks and rulings are made for every token, windows for every check. Filling their slots directly costs about half of
# the `__init__` that a frozen dataclass gets, which goes through `object.__setattr__`.
def slots_of(record: type) -> tuple[Callable[[object, object], None], ...]:
    """Return what fills the slots of a frozen record, in the order of its fields."""
    return tuple(vars(record)[slot.name].__set__ for slot in fields(record))


_CHUNK_SLOTS = slots_of(Chunk)
_RULING_SLOTS = slots_of(Ruling)
_WINDOW_SLOTS = slots_of(Window)
