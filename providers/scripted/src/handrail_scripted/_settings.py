"""The shape of a script and of the engine's `parameters`, in YAML and in Python alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from handrail.errors import message_of
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from handrail_scripted._shorthand import Or, as_list, file_or_list, not_blank

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

Chunking: TypeAlias = Literal["token", "character", "word", "paragraph", "whole", "random"]
ErrorType: TypeAlias = Literal[
    "authentication",
    "bad_request",
    "connection",
    "content_filter",
    "context_length",
    "rate_limit",
    "server",
    "timeout",
]
Seconds: TypeAlias = Annotated[float, Field(ge=0)]
Tokens: TypeAlias = Annotated[int, Field(ge=0)]
OneOrMore = BeforeValidator(as_list, json_schema_input_type=str | tuple[str, ...])
_CONTENT = {"text", "reasoning", "tool_calls", "error", "hang", "finish_reason"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class ScriptedUsage(_Model):
    """Numbers that the model reports instead of counting."""

    input_tokens: Tokens = Field(default=0, description="Tokens of the prompt.")
    output_tokens: Tokens = Field(default=0, description="Tokens of the answer.")


class ScriptedToolCall(_Model):
    """A tool call of an answer; it is sent in fragments, as providers do."""

    name: str = Field(description="The function's name.")
    arguments: str | dict[str, Any] = Field(
        default_factory=dict,
        description="A mapping, or JSON text that is sent as it is, even if it is broken.",
    )
    id: str | None = Field(default=None, description="The call's id; by default 'call_1', 'call_2' and so on.")


class ScriptedError(_Model):
    """A failure of the model, before or in the middle of an answer."""

    type: ErrorType = Field(description="Which of Handrail's provider errors is raised.")
    after: Tokens = Field(default=0, description="How many tokens are sent before; at most the whole answer.")
    message: str | None = Field(default=None, description="The error's message.")
    status: int | None = Field(default=None, description="The HTTP status; by default the type's usual one.")
    code: str | None = Field(default=None, description="The provider's own code; by default the type's usual one.")
    retry_after: Seconds | None = Field(default=None, description="For 'rate_limit': seconds.")

    @model_validator(mode="after")
    def _retry_after_is_for_rate_limits(self) -> ScriptedError:
        if self.retry_after is not None and self.type != "rate_limit":
            raise PydanticCustomError(
                "retry_after",
                "retry_after goes with type 'rate_limit' only, not with {type}",
                {"type": repr(self.type)},
            )
        return self


class ScriptedHang(_Model):
    """A model that stops sending and never ends, until it is closed or cancelled."""

    after: Tokens = Field(default=0, description="How many tokens are sent before; at most the whole answer.")


class Pace(_Model):
    """How an answer is sent. What an answer leaves out is taken from the engine's parameters."""

    tokens_per_second: Seconds | None = Field(default=None, description="0, the default: as fast as possible.")
    delay: Seconds | None = Field(default=None, description="Seconds until the model responds at all, errors included.")
    first_token_delay: Seconds | None = Field(default=None, description="Seconds from then on before the first token.")
    jitter: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="Each wait is longer or shorter by up to this part of it, drawn from the seed.",
    )
    seed: int | None = Field(default=None, description="Of the jitter and of random chunks; 0 by default.")
    chunking: Chunking | None = Field(default=None, description="What a chunk carries; 'token' by default.")
    usage: Annotated[bool | ScriptedUsage | None, Or(bool, ScriptedUsage)] = Field(
        default=None,
        description="true, the default: tokens are counted; false: no usage is sent; or the numbers.",
    )


class Answer(Pace):
    """An answer, given when all of its conditions hold; without a condition it is given in its turn."""

    contains: Annotated[tuple[Annotated[str, AfterValidator(not_blank)], ...], OneOrMore] = Field(
        default=(),
        description="Texts of which one must occur; case and the kind of white space make no difference.",
    )
    match: str | None = Field(default=None, description="A regular expression to be found; case makes no difference.")
    within: Literal["last_message", "conversation"] = Field(
        default="last_message", description="Where 'contains' and 'match' look."
    )
    times: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="How often it is given at most. Without a condition: once, unless it is the last.",
    )
    text: str = Field(default="", description="The answer.")
    reasoning: str = Field(default="", description="What the model thinks before it answers.")
    tool_calls: tuple[ScriptedToolCall, ...] = Field(default=(), description="Sent after the text.")
    finish_reason: str | None = Field(
        default="", description="By default 'stop', 'tool_calls' or 'length', as it is; null: none is sent."
    )
    metadata: dict[str, Any] | None = Field(default=None, description="Sent in a chunk of its own before all others.")
    error: ScriptedError | None = Field(default=None, description="Raised in place of the rest.")
    hang: ScriptedHang | None = Field(default=None, description="Waits forever in place of the rest.")

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(schema)]}

    @field_validator("match")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "", re.IGNORECASE)
        except re.error as exc:
            raise PydanticCustomError("pattern", "not a regular expression: {why}", {"why": message_of(exc)}) from exc
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> Answer:
        if not self.model_fields_set & _CONTENT:
            raise PydanticCustomError("says_nothing", "the answer says nothing; give 'text', even if it is ''")
        if self.error is not None and self.hang is not None:
            raise PydanticCustomError("two_endings", "an answer can end in 'error' or in 'hang'; give one of them")
        return self

    @property
    def conditional(self) -> bool:
        """Whether it depends on what was asked."""
        return bool(self.contains) or self.match is not None


def _without_condition(answer: Answer) -> Answer:
    if answer.conditional or answer.times is not None:
        raise PydanticCustomError("default", "it is given when nothing else fits, so it takes no condition")
    return answer


Default: TypeAlias = Annotated[Answer, AfterValidator(_without_condition)]


class Script(_Model):
    """Answers, the first that fits is given. This is what a file of answers holds."""

    answers: tuple[Answer, ...] = Field(default=(), description="Tried in this order.")
    default: Default | None = Field(default=None, description="Given when no other fits.")


class ScriptedSettings(Pace):
    """The `parameters` of a model whose engine is `scripted`."""

    answers: Annotated[str | tuple[Answer, ...], Or(str, tuple[Answer, ...]), BeforeValidator(file_or_list)] = Field(
        description="A YAML file, relative to the configuration's folder, or a list of answers."
    )
    default: Default | None = Field(default=None, description="Given when no other fits and the file has no default.")
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Answers are cut here.")
    stop: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], OneOrMore] = Field(
        default=(), description="Answers are cut before the first of these texts."
    )
    temperature: float | None = Field(default=None, description="Accepted and ignored, as is 'top_p'.")
    top_p: float | None = Field(default=None, description="Accepted and ignored.")
