"""The `parameters` of a model: how the server is reached, how its answer is read, what the request says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from handrail_http import HTTPSettings, checked_address
from pydantic import AfterValidator, Field, SecretStr


def checked_base_url(url: str) -> str:
    """Return the address without white space around it.

    Raises:
        ValueError: it is not the address of a server; the text says why, and shows no password.
    """
    return checked_address(url, example="http://localhost:8000/v1", paths=("/chat/completions", "/responses"))


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


class OpenAISettings(HTTPSettings):
    """The `parameters` of a model whose engine is `openai` or one of its kin.

    What is not named here goes into the body of each request as it is: `temperature`, `max_tokens`, `stop`,
    `reasoning_effort`, and whatever the server knows.
    """

    other_spellings: ClassVar[Mapping[str, str]] = _OTHER_SPELLINGS
    body_parameters: ClassVar[frozenset[str]] = _BODY_PARAMETERS
    brought_by_client: ClassVar[tuple[str, ...]] = (
        *HTTPSettings.brought_by_client,
        *("organization", "project", "azure_endpoint"),
    )

    base_url: Address | None = Field(default=None, description="Where the server is; it usually ends in /v1.")
    organization: str | None = Field(default=None, description="OpenAI's organisation.")
    project: str | None = Field(default=None, description="OpenAI's project.")
    azure_endpoint: Address | None = Field(default=None, description="Azure: the resource's address.")
    azure_deployment: str | None = Field(default=None, description="Azure: by default the model's name.")
    api_version: str | None = Field(default=None, description="Azure: by default that of OPENAI_API_VERSION.")
    azure_ad_token: SecretStr | None = Field(default=None, repr=False, description="Azure: in place of a key.")
    api: Literal["auto", "chat", "responses"] = Field(
        default="auto",
        description="Chat Completions or Responses; auto takes Responses where a model of OpenAI needs it.",
    )
    stream_usage: bool = Field(default=True, description="Ask the server for the tokens that the call has cost.")
    think_block: bool | Literal["opened"] = Field(
        default=False,
        description="true: a <think> block at the beginning of the text is reasoning; 'opened': the text begins in it.",
    )
