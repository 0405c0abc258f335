"""The `parameters` of a model: how the server is reached, what the request says."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from handrail_anthropic._addresses import checked_base_url, checked_header_value

Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Address: TypeAlias = Annotated[str, AfterValidator(checked_base_url)]

_OTHER_SPELLINGS = {
    "anthropic_api_url": "base_url",
    "api_base": "base_url",
    "anthropic_api_key": "api_key",
    "default_headers": "headers",
    "extra_headers": "headers",
    "default_request_timeout": "timeout",
    "request_timeout": "timeout",
    "max_completion_tokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "model_kwargs": "extra_body",
}
"""As configurations for other systems have them."""

# fmt: off
_BODY_PARAMETERS = frozenset(
    {
        "cache_control", "container", "context_management", "inference_geo", "mcp_servers", "metadata", "n",
        "output_config", "parallel_tool_calls", "reasoning_effort", "response_format", "service_tier", "speed", "stop",
        "stop_sequences", "system", "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p", "user",
    }
)
# fmt: on
"""Parameters of requests that are known; used to recognise misspelt ones, and for nothing else."""


class AnthropicSettings(BaseModel):
    """The `parameters` of a model whose engine is `anthropic`.

    What is not named here goes into the body of each request: `temperature`, `thinking`, `output_config`,
    `cache_control`, and whatever the server knows.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)

    base_url: Address | None = Field(default=None, description="Where the server is, without /v1/messages.")
    api_key: SecretStr | None = Field(
        default=None, repr=False, description="The key; better named by its variable in 'api_key_env_var'."
    )
    max_tokens: Annotated[int, Field(ge=1)] = Field(
        default=8192, description="The longest answer in tokens, thinking included; the API must be told one."
    )
    betas: tuple[str, ...] = Field(default=(), description="Beta features, sent as 'anthropic-beta'.")
    headers: dict[str, str] = Field(default_factory=dict, repr=False, description="Sent with each request.")
    query: dict[str, str] = Field(default_factory=dict, repr=False, description="Added to each request's address.")
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
    drop_params: tuple[str, ...] = Field(
        default=(), description="Parameters that are never sent, whoever sets them, such as [seed]."
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
            if value is None or name in {"streaming", "stream", "stream_usage"}:
                continue
            if name in found:
                raise _rejected(key, f"is another spelling of {name!r}, which is there too; keep one of them")
            found[name] = value
        return found

    @model_validator(mode="after")
    def _is_spelt_right(self) -> Self:
        known = {*type(self).model_fields, *_BODY_PARAMETERS, *_OTHER_SPELLINGS}
        for name in self.model_extra or {}:
            if name not in known and (near := get_close_matches(name, known, n=1, cutoff=0.85)):
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
            for name in ("base_url", "api_key", "headers", "query", "ca_file"):
                if name in self.model_fields_set:
                    raise _rejected(name, "is set beside 'client', which brings its own; set it on the client")
        return self


def _rejected(key: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("section", "{message}", {"message": message, "key": key})
