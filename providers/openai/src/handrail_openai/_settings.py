"""The `parameters` of a model: how the server is reached, how its answer is read, what the request says."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from handrail_openai._addresses import checked_base_url, checked_header_value

Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Address: TypeAlias = Annotated[str, AfterValidator(checked_base_url)]

_OTHER_SPELLINGS = {
    "openai_api_base": "base_url",
    "api_base": "base_url",
    "openai_api_key": "api_key",
    "openai_organization": "organization",
    "openai_api_version": "api_version",
    "deployment_name": "azure_deployment",
    "default_headers": "headers",
    "extra_headers": "headers",
    "default_query": "query",
    "request_timeout": "timeout",
    "model_kwargs": "extra_body",
}
"""As configurations for other systems have them."""

# fmt: off
_BODY_PARAMETERS = frozenset(
    {
        "audio", "chat_template_kwargs", "frequency_penalty", "guided_choice", "guided_json", "guided_regex",
        "ignore_eos", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "min_p",
        "min_tokens", "modalities", "models", "moderation", "n", "num_ctx", "parallel_tool_calls", "plugins",
        "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "provider", "reasoning",
        "reasoning_effort", "repeat_penalty", "repetition_penalty", "response_format", "route",
        "safety_identifier", "seed", "service_tier", "stop", "stop_token_ids", "store", "structured_outputs",
        "temperature", "tool_choice", "tools", "top_k", "top_logprobs", "top_p", "transforms", "user",
        "verbosity", "web_search_options",
        "background", "context_management", "conversation", "include", "instructions", "max_output_tokens",
        "max_tool_calls", "previous_response_id", "prompt", "text", "truncation",
    }
)
# fmt: on
"""Parameters of requests that servers are known to take; used to recognise misspelt ones, and for nothing else."""


class OpenAISettings(BaseModel):
    """The `parameters` of a model whose engine is `openai` or one of its kin.

    What is not named here goes into the body of each request as it is: `temperature`, `max_tokens`, `stop`,
    `reasoning_effort`, and whatever the server knows.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)

    base_url: Address | None = Field(default=None, description="Where the server is; it usually ends in /v1.")
    api_key: SecretStr | None = Field(
        default=None, repr=False, description="The key; better named by its variable in 'api_key_env_var'."
    )
    organization: str | None = Field(default=None, description="OpenAI's organisation.")
    project: str | None = Field(default=None, description="OpenAI's project.")
    headers: dict[str, str] = Field(default_factory=dict, repr=False, description="Sent with each request.")
    query: dict[str, str] = Field(default_factory=dict, repr=False, description="Added to each request's address.")
    azure_endpoint: Address | None = Field(default=None, description="Azure: the resource's address.")
    azure_deployment: str | None = Field(default=None, description="Azure: by default the model's name.")
    api_version: str | None = Field(default=None, description="Azure: by default that of OPENAI_API_VERSION.")
    azure_ad_token: SecretStr | None = Field(default=None, repr=False, description="Azure: in place of a key.")
    ca_file: str | None = Field(
        default=None, description="A certificate authority to trust, in PEM; relative to the configuration's folder."
    )
    timeout: Seconds | None = Field(default=600, description="Seconds for the whole answer, retries included.")
    chunk_timeout: Seconds | None = Field(
        default=180, description="Seconds in which the server may send nothing, before the answer and within it."
    )
    max_retries: Annotated[int, Field(ge=0)] = Field(
        default=2, description="How often a request that failed before its answer began is sent again."
    )
    api: Literal["auto", "chat", "responses"] = Field(
        default="auto",
        description="Chat Completions or Responses; auto takes Responses where a model of OpenAI needs it.",
    )
    stream_usage: bool = Field(default=True, description="Ask the server for the tokens that the call has cost.")
    think_block: bool | Literal["opened"] = Field(
        default=False,
        description="true: a <think> block at the beginning of the text is reasoning; 'opened': the text begins in it.",
    )
    drop_params: tuple[str, ...] = Field(
        default=(), description="Parameters that are never sent, whoever sets them, such as [temperature]."
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="Put into the body of requests unchecked.")
    client: SkipJsonSchema[Any] = Field(default=None, repr=False, exclude=True)

    @property
    def body(self) -> Mapping[str, Any]:
        """What the configuration puts into the body of each request."""
        return {**(self.model_extra or {}), **self.extra_body}

    @field_validator("headers")
    @classmethod
    def _headers_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        return {name: checked_header_value(value, f"the header {name!r}") for name, value in headers.items()}

    @model_validator(mode="before")
    @classmethod
    def _other_spellings(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        found: dict[str, object] = {}
        for key, value in values.items():
            name = _OTHER_SPELLINGS.get(key, str(key))
            if value is None or name in {"streaming", "stream"}:
                continue
            if name in found:
                raise _rejected(key, f"is another spelling of {name!r}, which is there too; keep one of them")
            found[name] = value
        return found

    @model_validator(mode="after")
    def _is_spelt_right(self) -> Self:
        known = {*type(self).model_fields, *_BODY_PARAMETERS, *_OTHER_SPELLINGS}
        for name in self.model_extra or {}:
            if name in known:
                continue
            if near := get_close_matches(name, known, n=1, cutoff=0.85):
                raise _rejected(
                    name, f"is not known; did you mean {near[0]!r}? To send it as it is, write it in 'extra_body'"
                )
        return self

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if self.body.get("n", 1) != 1:
            raise _rejected("n", "must be 1: a stream is one answer")
        return self

    @model_validator(mode="after")
    def _client_brings_its_own(self) -> Self:
        if self.client is not None:
            own = ("base_url", "api_key", "organization", "project", "headers", "query", "ca_file", "azure_endpoint")
            for name in own:
                if name in self.model_fields_set:
                    raise _rejected(name, "stands beside 'client', which brings its own; set it on the client")
        return self


def _rejected(key: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("section", "{message}", {"message": message, "key": key})
