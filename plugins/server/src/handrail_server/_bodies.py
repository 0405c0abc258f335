"""The bodies of requests: the flat one and OpenAI's, checked strictly, with errors that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, TypeAdapter, ValidationError

from handrail_server._errors import ApiError
from handrail_server._parameters import CANNOT

Text = StrictStr
Name = Annotated[Text, Field(min_length=1, max_length=255)]
Word = Annotated[Text, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Role = Literal["user", "assistant", "system", "developer", "tool"]
ThreadId = Annotated[Text, Field(min_length=16, max_length=255, description="Names a conversation kept here.")]
Number = Annotated[float, Field(strict=True)]
Schema = dict[str, Any]
BodyT = TypeVar("BodyT", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Message(BaseModel):
    """One message of a conversation, in OpenAI's form; what else it has is passed on to the model."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    role: Role
    content: Text | list[dict[str, Any]] | None = None
    name: Text | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: Text | None = None


class Parameters(BaseModel):
    """Parameters of the model. Which of them a client may set is the operator's decision."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1, le=2**31)] | None = None
    max_completion_tokens: Annotated[StrictInt, Field(ge=1, le=2**31)] | None = None
    stop: Annotated[Text, Field(min_length=1)] | list[Annotated[Text, Field(min_length=1)]] | None = None
    seed: Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | None = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Number] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Word | dict[str, Any] | None = None
    parallel_tool_calls: StrictBool | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: Word | None = None
    verbosity: Word | None = None


class LogRequest(_Body):
    """Parts of the log that come back."""

    activated_rails: StrictBool = False
    llm_calls: StrictBool = False
    internal_events: StrictBool = False
    colang_history: StrictBool = False


class Options(_Body):
    """What a caller asks for beside the answer. Which rails run is the operator's decision."""

    rails: list[Text] | dict[str, StrictBool | list[Text]] | None = None
    llm_params: Parameters | None = None
    llm_output: StrictBool = False
    output_vars: StrictBool | list[Text] = False
    log: LogRequest | None = None


class Guardrails(_Body):
    """What is Handrail's own in OpenAI's body."""

    config_id: Name | None = None
    config_ids: Annotated[list[Name], Field(min_length=1, max_length=16)] | None = None
    thread_id: ThreadId | None = None
    context: dict[str, Any] | None = None
    options: Options | None = None
    state: dict[str, Any] | None = None
    trace: StrictBool = Field(default=False, description="Stream what is held and which checks ran, for a playground.")


class StreamOptions(_Body):
    """How a stream ends."""

    include_usage: StrictBool | None = None
    include_obfuscation: StrictBool | None = None


Messages = Annotated[list[Message], Field(min_length=1)]
Lists: TypeAlias = Mapping[str, TypeAdapter[Any]]
"""Members of a body that may be long lists, and what their items must be; of a large body they are read one by one."""
EMBEDDED: TypeAdapter[Any] = TypeAdapter(StrictStr | StrictInt | list[StrictInt])
ANY_OBJECT: TypeAdapter[Any] = TypeAdapter(dict[str, Any])


class ChatBody(Parameters):
    """A request for an answer: flat, with `config_id`, or OpenAI's, with `model` and `guardrails`."""

    lists: ClassVar[Lists] = {"messages": TypeAdapter(Message), "tools": ANY_OBJECT}

    messages: Messages
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    model: Name | None = Field(None, description="A configuration's id, or a model that the operator allows.")
    n: Annotated[StrictInt, Field(ge=1, le=1)] | None = None
    logprobs: Annotated[StrictBool, Field(json_schema_extra={"const": False})] | None = None
    guardrails: Guardrails | None = None
    config_id: Name | None = None
    config_ids: Annotated[list[Name], Field(min_length=1, max_length=16)] | None = None
    thread_id: ThreadId | None = None
    context: dict[str, Any] | None = None
    options: Options | None = None
    state: dict[str, Any] | None = None


class ChecksBody(_Body):
    """A request to run the rails over messages that are there already."""

    lists: ClassVar[Lists] = {"messages": TypeAdapter(Message)}

    messages: Messages
    model: Name | None = None
    guardrails: Guardrails | None = None
    config_id: Name | None = None
    config_ids: Annotated[list[Name], Field(min_length=1, max_length=16)] | None = None
    context: dict[str, Any] | None = None
    rail_types: list[Literal["input", "output"]] | None = None


class EmbeddingsBody(BaseModel):
    """A request for embeddings, in OpenAI's form; what else it has is passed on to the model."""

    lists: ClassVar[Lists] = {"input": EMBEDDED}

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    input: Text | list[Text] | list[StrictInt] | list[list[StrictInt]]
    model: Name | None = Field(None, description="A configuration's id.")
    config_id: Name | None = None


def parse_body(model: type[BodyT], body: bytes) -> BodyT:
    """Read a body.

    Raises:
        ApiError: it is none, no JSON, or wrong; the message names the field and what it must be.
    """
    if not body.strip():
        raise ApiError(400, "The request has no body; send a JSON object with 'messages'.", code="no_body")
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        raise readable(exc) from None


def readable(error: ValidationError, below: tuple[int | str, ...] = ()) -> ApiError:
    """Return the error for a body that is wrong: the field, below a place in the body, and what it must be."""
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return ApiError(400, f"The body is not valid JSON: {first['msg']}.", code="invalid_json")
    param = _field((*below, *first["loc"]))
    what = {"missing": "it is required", "extra_forbidden": "there is no such field"}.get(first["type"], first["msg"])
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    where = f"'{param}'" if param else "The body"
    instead = f"; {CANNOT[param]}" if param == "n" else ""
    return ApiError(400, f"{where}: {what}{more}{instead}.", code="invalid_value", param=param or None)


def _field(location: tuple[int | str, ...]) -> str:
    """Write a place as a person would; parts that pydantic adds for the members of a union are left out."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() and part not in ("str", "bool", "dict", "list"):
            text += f".{part}" if text else part
    return text


def given(model: BaseModel | None) -> Mapping[str, Any]:
    """Return the fields that a client has sent and that are not null, its further ones included.

    A content that is null stays: beside tool calls or a refusal, servers of models want it there.
    """
    if model is None:
        return {}
    found = model.model_dump(exclude_unset=True, exclude_none=True)
    if isinstance(model, Message) and model.content is None and "content" in model.model_fields_set:
        found["content"] = None
    return found
