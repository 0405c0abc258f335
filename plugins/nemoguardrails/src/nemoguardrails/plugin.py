"""What the package offers to Handrail: the engines that a program, or a configuration's `config.py`, registers."""

from __future__ import annotations

import re
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from handrail.plugins import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail import Registrations, Registry
    from handrail.config import RailsConfig
    from handrail.plugins import RailSpec

program_registry: ContextVar[Registry | None] = ContextVar("program_registry", default=None)
"""What is installed for the `LLMRails` of this package that is being built, which may get actions once it is there."""

VARIABLES = (
    "bot_thinking",
    "general_instructions",
    "last_bot_message",
    "last_user_message",
    "relevant_chunks",
    "sample_conversation",
)
"""Variables of prompts that existing configurations take to be always there."""

_EMBEDDING_ENGINES = {"FastEmbed", "SentenceTransformers", "fastembed", "sentence_transformers"}
_MENTIONED = re.compile(rf"\b(?:{'|'.join(VARIABLES)})\b")

# The published functions have no object to register on, so this is the one table that a process has.
registered: dict[str, Any] = {}


@hookimpl
def handrail_config_rails(config: RailsConfig, registrations: Registrations) -> Iterable[RailSpec] | None:
    """Offer installed rails as existing configurations expect them, where one needs that."""
    registry = program_registry.get()
    if registry is None and not _needs_more(config):
        return None
    from nemoguardrails._library import library_rails

    return library_rails(config, registrations, registry)


@hookimpl
def handrail_config_providers(config: RailsConfig) -> Iterable[ProviderSpec] | None:
    """Offer what was registered, and engines of embeddings that a configuration names, which nobody asks."""
    unasked = {model.engine for model in config.models if model.type == "embeddings"} & _EMBEDDING_ENGINES
    if not registered and not unasked:
        return None
    from nemoguardrails._engines import Unasked, engine_of

    return [ProviderSpec(name, Unasked) for name in sorted(unasked - registered.keys())] + [
        ProviderSpec(name, engine_of(provider), defined_at="register_llm_provider")
        for name, provider in sorted(registered.items())
    ]


def _needs_more(config: RailsConfig) -> bool:
    """Return whether a configuration has what only existing ones have: rails with `$task=`, or those variables."""
    if any("task" in flow.arguments for flow in (*config.input_flows, *config.output_flows)):
        return True
    return any(
        _MENTIONED.search(entry if isinstance(entry, str) else entry.content)
        for prompt in config.prompts
        for entry in (prompt.content or "", *(prompt.messages or ()))
    )


def _refuse_other_package() -> None:
    """Refuse to be imported beside NVIDIA's package, whose files have the same names.

    Whichever was installed later has overwritten `__init__.py`; this module is in one package only.
    """
    try:
        other = version("nemoguardrails")
    except PackageNotFoundError:
        return
    raise ImportError(
        f"two packages are installed whose import name is 'nemoguardrails': handrail-nemoguardrails, and "
        f"nemoguardrails {other}, so their files are mixed. Uninstall both, then install one of them: "
        f"'pip uninstall -y nemoguardrails handrail-nemoguardrails', and 'pip install handrail-nemoguardrails' "
        f"for streams that do not leak, or 'pip install nemoguardrails' for NVIDIA's"
    )


_refuse_other_package()
