"""What the package offers to Handrail: an engine for each name that people write for a compatible server."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import ProviderSpec, hookimpl

_TARGET = "handrail_openai:OpenAIProvider"
_SETTINGS = "handrail_openai:OpenAISettings"

ENGINES = (
    ("openai", (), "OpenAI, and any server that speaks its protocol."),
    ("azure_openai", ("azure",), "Azure OpenAI."),
    ("vllm", ("vllm_openai",), "vLLM; by default on port 8000 of this machine."),
    ("sglang", (), "SGLang; by default on port 30000 of this machine."),
    ("ollama", (), "Ollama; by default on port 11434 of this machine."),
    ("lmstudio", ("lm_studio",), "LM Studio; by default on port 1234 of this machine."),
    ("llamacpp", ("llama.cpp",), "llama.cpp's server; by default on port 8080 of this machine."),
    ("nim", ("nvidia_ai_endpoints",), "NVIDIA NIM; by default NVIDIA's own endpoints."),
    ("openrouter", (), "OpenRouter."),
)
"""Name, further names, summary. What else is known of each is in `_engines`."""


@hookimpl
def handrail_providers() -> Iterator[ProviderSpec]:
    """Offer the engines."""
    for name, aliases, summary in ENGINES:
        yield ProviderSpec(name=name, target=_TARGET, settings=_SETTINGS, summary=summary, aliases=aliases)
