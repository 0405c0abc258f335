"""The `parameters` of a model: how the server is reached, what the request says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeAlias

from handrail_http import HTTPSettings, checked_address
from pydantic import AfterValidator, Field


def checked_base_url(url: str) -> str:
    """Return the address without white space around it, and without `/v1` at its end, which the SDK adds.

    Raises:
        ValueError: it is not the address of a server; the text says why, and shows no password.
    """
    return checked_address(url, example="http://localhost:8000", paths=("/messages",)).rstrip("/").removesuffix("/v1")


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


class AnthropicSettings(HTTPSettings):
    """The `parameters` of a model whose engine is `anthropic`.

    What is not named here goes into the body of each request: `temperature`, `thinking`, `output_config`,
    `cache_control`, and whatever the server knows.
    """

    other_spellings: ClassVar[Mapping[str, str]] = _OTHER_SPELLINGS
    ignored: ClassVar[frozenset[str]] = HTTPSettings.ignored | {"stream_usage"}
    body_parameters: ClassVar[frozenset[str]] = _BODY_PARAMETERS

    base_url: Address | None = Field(default=None, description="Where the server is, without /v1/messages.")
    max_tokens: Annotated[int, Field(ge=1)] = Field(
        default=8192, description="The longest answer in tokens, thinking included; the API must be told one."
    )
    betas: tuple[str, ...] = Field(default=(), description="Beta features, sent as 'anthropic-beta'.")
