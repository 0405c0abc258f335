"""The `parameters` of a model: those of `handrail-openai`, and the spellings that LangChain's and LiteLLM's have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from handrail_openai import OpenAISettings
from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

Region = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
Name = Annotated[str, Field(pattern=r"^[\w.:-]+$")]


class _Spelt(OpenAISettings):
    """Understands further spellings, and refuses what the service's compatible address does not take."""

    spellings: ClassVar[Mapping[str, str]] = {}
    refused: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _langchains_spellings(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        found: dict[str, object] = {}
        for key, value in values.items():
            if value is None:
                continue
            if key in cls.refused:
                raise _rejected(str(key), cls.refused[key])
            name = cls.spellings.get(key, str(key))
            if name in found:
                raise _rejected(str(key), f"is another spelling of {name!r}, which is set too; keep one of them")
            found[name] = value
        return found


class GroqSettings(_Spelt):
    """The `parameters` of a model whose engine is `groq`."""

    spellings: ClassVar[Mapping[str, str]] = {
        "groq_api_key": "api_key",
        "groq_api_base": "base_url",
        "stop_sequences": "stop",
    }


class ServiceSettings(_Spelt):
    """The `parameters` of a model whose engine is `cohere`, `deepseek`, `fireworks`, `mistralai` or `together`."""

    spellings: ClassVar[Mapping[str, str]] = {
        **{f"{name}_api_key": "api_key" for name in ("cohere", "deepseek", "fireworks", "mistral", "together")},
        **{f"{name}_api_base": "base_url" for name in ("fireworks", "together")},
        "endpoint": "base_url",
        "stop_sequences": "stop",
    }


class TensorRTSettings(_Spelt):
    """The `parameters` of a model whose engine is `trt_llm`."""

    refused: ClassVar[Mapping[str, str]] = {
        "server_url": "is the address of a Triton server, which speaks gRPC and is not supported; serve the model by "
        "'trtllm-serve', which speaks OpenAI's protocol, and set 'base_url', by default 'http://localhost:8000/v1'",
    }


_GOOGLES_LIMITS = {"max_output_tokens": "max_tokens", "stop_sequences": "stop"}
_NOT_BY_GOOGLE: Mapping[str, str] = {
    name: f"is not supported by Google's compatible address; write what it takes in its place {where}"
    for name, where in {
        "safety_settings": "in 'extra_body': {extra_body: {google: {safety_settings: [...]}}}",
        "thinking_budget": "as 'reasoning_effort', or in 'extra_body'",
        "include_thoughts": "in 'extra_body': {extra_body: {google: {thinking_config: {include_thoughts: true}}}}",
        "response_mime_type": "as 'response_format'",
        "response_schema": "as 'response_format'",
    }.items()
}


class GoogleSettings(_Spelt):
    """The `parameters` of a model whose engine is `google_genai`."""

    spellings: ClassVar[Mapping[str, str]] = {
        **_GOOGLES_LIMITS,
        "google_api_key": "api_key",
        "gemini_api_key": "api_key",
    }
    refused: ClassVar[Mapping[str, str]] = {
        **_NOT_BY_GOOGLE,
        "credentials": "is not supported by Google's compatible address; use a key: set the environment variable "
        "'GOOGLE_API_KEY', or the engine 'vertexai'",
    }


class VertexSettings(_Spelt):
    """The `parameters` of a model whose engine is `vertexai`."""

    spellings: ClassVar[Mapping[str, str]] = {
        **_GOOGLES_LIMITS,
        "vertex_project": "google_project",
        "project": "google_project",
        "vertex_location": "location",
        "region": "location",
    }
    refused: ClassVar[Mapping[str, str]] = {
        **_NOT_BY_GOOGLE,
        **dict.fromkeys(
            ("credentials", "vertex_credentials"),
            "is not supported; name the file of a service account in the environment variable "
            "'GOOGLE_APPLICATION_CREDENTIALS'",
        ),
    }

    google_project: Name | None = Field(default=None, description="By default that of GOOGLE_CLOUD_PROJECT.")
    location: Region | None = Field(default=None, description="By default that of GOOGLE_CLOUD_LOCATION, or 'global'.")


class BedrockSettings(_Spelt):
    """The `parameters` of a model whose engine is `bedrock`."""

    spellings: ClassVar[Mapping[str, str]] = {
        "region_name": "region",
        "aws_region_name": "region",
        "credentials_profile_name": "profile",
        "aws_profile_name": "profile",
        "endpoint_url": "base_url",
        "aws_bedrock_runtime_endpoint": "base_url",
        "bedrock_api_key": "api_key",
        "stop_sequences": "stop",
    }

    region: Region | None = Field(default=None, description="By default that of AWS_REGION or AWS_DEFAULT_REGION.")
    endpoint: Literal["runtime", "mantle"] = Field(default="runtime", description="Which of Bedrock's addresses.")
    profile: Name | None = Field(default=None, description="Of AWS's credentials.")
    aws_access_key_id: SecretStr | None = Field(default=None, repr=False, description="Better in the environment.")
    aws_secret_access_key: SecretStr | None = Field(default=None, repr=False, description="Better in the environment.")
    aws_session_token: SecretStr | None = Field(default=None, repr=False, description="Better in the environment.")


class WatsonxSettings(_Spelt):
    """The `parameters` of a model whose engine is `watsonx`."""

    spellings: ClassVar[Mapping[str, str]] = {
        "url": "base_url",
        "apikey": "api_key",
        "watsonx_api_key": "api_key",
        "deployment_space_id": "space_id",
        "max_new_tokens": "max_tokens",
        "stop_sequences": "stop",
    }
    refused: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("decoding_method", "min_new_tokens", "repetition_penalty", "truncate_input_tokens"),
        "is not supported by watsonx's chat; leave it out, or set 'temperature', 'top_p' or 'max_tokens'",
    )

    project_id: Name | None = Field(default=None, description="By default that of WATSONX_PROJECT_ID.")
    space_id: Name | None = Field(default=None, description="By default that of WATSONX_SPACE_ID.")
    deployment_id: Name | None = Field(default=None, description="A deployed model, in place of the model's name.")
    token: SecretStr | None = Field(
        default=None, repr=False, description="A token that was issued already; by default that of WATSONX_TOKEN."
    )
    iam_url: str = Field(
        default="https://iam.cloud.ibm.com/identity/token", description="Where a key is exchanged for a token."
    )
    version: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = Field(
        default="2025-02-11", description="The date of the interface."
    )

    @model_validator(mode="before")
    @classmethod
    def _params_of_langchain(cls, values: object) -> object:
        """Take what LangChain has in `params`."""
        if not isinstance(values, Mapping) or not isinstance(inner := values.get("params"), Mapping):
            return values
        return {**{key: value for key, value in values.items() if key != "params"}, **inner}

    @model_validator(mode="after")
    def _chat_alone(self) -> Self:
        if self.api == "responses":
            raise _rejected("api", "must be 'chat': watsonx has no Responses API")
        return self


def _rejected(key: str, message: str) -> PydanticCustomError:
    details: dict[str, Any] = {"message": message, "key": key}
    return PydanticCustomError("section", "{message}", details)
