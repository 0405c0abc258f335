"""Providers that a program registers by name, for configurations that name them as `engine`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handrail import ProviderContext, Registry
from handrail.plugins import ProviderSpec, hookimpl

from nemoguardrails._langchain import LangChainProvider, as_provider

# The published functions have no object to register on, so this is the one table that a process has.
_registered: dict[str, Any] = {}


class _RegisteredProviders:
    """A plugin of what was registered."""

    @hookimpl
    def handrail_providers(self) -> list[ProviderSpec]:
        """Offer it."""
        return [ProviderSpec(name, _factory(provider)) for name, provider in sorted(_registered.items())]


def register_llm_provider(name: str, provider_cls: Any) -> None:
    """Register an engine: a class of LangChain's kind, called with `model` and the model's parameters."""
    _registered[name] = provider_cls


def register_chat_provider(name: str, provider_cls: Any) -> None:
    """Register an engine of chat models; the same as `register_llm_provider`."""
    _registered[name] = provider_cls


def get_llm_provider_names() -> list[str]:
    """Give the names of every engine, installed or registered."""
    return sorted({*Registry.discover().names(ProviderSpec), *_registered})


get_chat_provider_names = get_llm_provider_names


def registered_providers() -> tuple[object, ...]:
    """Give what was registered as a plugin; nothing if there is none."""
    return (_RegisteredProviders(),) if _registered else ()


def _factory(provider: Any) -> Callable[[Mapping[str, Any], ProviderContext], object]:
    def make(settings: Mapping[str, Any], context: ProviderContext) -> object:
        model = {"model": context.model.model} if context.model.model else {}
        return as_provider(provider(**{**model, **settings}))

    return make


__all__ = [
    "LangChainProvider",
    "get_chat_provider_names",
    "get_llm_provider_names",
    "register_chat_provider",
    "register_llm_provider",
    "registered_providers",
]
