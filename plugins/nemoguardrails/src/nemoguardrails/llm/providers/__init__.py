"""Providers that a program registers by name, for configurations that name them as `engine`."""

from __future__ import annotations

from typing import Any

from handrail import Registry
from handrail.errors import InvalidArgumentError
from handrail.plugins import ProviderSpec

from nemoguardrails.plugin import registered


def register_llm_provider(name: str, provider_cls: Any) -> None:
    """Register an engine: a class of LangChain's kind, called with `model` and the model's parameters."""
    fits = isinstance(name, str) and callable(provider_cls)
    InvalidArgumentError.unless(fits, "register_llm_provider", provider_cls, "the engine's name and a class")
    registered[name] = provider_cls


def get_llm_provider_names() -> list[str]:
    """Return the names of every engine, installed or registered."""
    return sorted({*Registry.discover().names(ProviderSpec), *registered})


register_chat_provider = register_llm_provider
register_provider = register_llm_provider
get_provider_names = get_llm_provider_names
get_chat_provider_names = get_llm_provider_names

__all__ = [
    "get_chat_provider_names",
    "get_llm_provider_names",
    "get_provider_names",
    "register_chat_provider",
    "register_llm_provider",
    "register_provider",
]
