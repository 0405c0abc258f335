"""The `parameters` of a model: those of `handrail-openai`, and the spellings that LangChain's classes have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from handrail_openai import OpenAISettings
from pydantic import model_validator
from pydantic_core import PydanticCustomError


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


class GoogleSettings(_Spelt):
    """The `parameters` of a model whose engine is `google_genai`."""

    spellings: ClassVar[Mapping[str, str]] = {
        "google_api_key": "api_key",
        "max_output_tokens": "max_tokens",
        "stop_sequences": "stop",
    }
    refused: ClassVar[Mapping[str, str]] = {
        name: f"is not supported by Google's compatible address; write what it takes in its place {where}"
        for name, where in {
            "safety_settings": "in 'extra_body': {extra_body: {google: {safety_settings: [...]}}}",
            "thinking_budget": "as 'reasoning_effort', or in 'extra_body'",
            "include_thoughts": "in 'extra_body': {extra_body: {google: {thinking_config: {include_thoughts: true}}}}",
            "response_mime_type": "as 'response_format'",
            "response_schema": "as 'response_format'",
            "credentials": "as a key: set the environment variable 'GOOGLE_API_KEY'",
        }.items()
    }


def _rejected(key: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("section", "{message}", {"message": message, "key": key})
