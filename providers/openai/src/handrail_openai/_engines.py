"""What is known of each engine: where it is usually found, and where its key is usually kept."""

from __future__ import annotations

from dataclasses import dataclass

from handrail_openai.plugin import ENGINES


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of server.

    Attributes:
        name: what a configuration calls it.
        base_url: where it is by default; None where the SDK or the configuration must say.
        key_variables: environment variables that usually hold its key.
        needs_key: without a key at its default address it cannot answer.
    """

    name: str
    base_url: str | None = None
    key_variables: tuple[str, ...] = ()
    needs_key: bool = False


_TABLE = (
    Engine("openai", None, ("OPENAI_API_KEY",), needs_key=True),
    Engine("azure_openai", None, ("AZURE_OPENAI_API_KEY",), needs_key=True),
    Engine("vllm", "http://localhost:8000/v1", ("VLLM_API_KEY",)),
    Engine("sglang", "http://localhost:30000/v1", ("SGLANG_API_KEY",)),
    Engine("ollama", "http://localhost:11434/v1", ("OLLAMA_API_KEY",)),
    Engine("lmstudio", "http://localhost:1234/v1", ("LM_API_TOKEN",)),
    Engine("llamacpp", "http://localhost:8080/v1", ("LLAMA_API_KEY",)),
    Engine("nim", "https://integrate.api.nvidia.com/v1", ("NVIDIA_API_KEY",), needs_key=True),
    Engine("openrouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), needs_key=True),
)
_BY_NAME = {engine.name: engine for engine in _TABLE}
_BY_NAME |= {alias: _BY_NAME[name] for name, aliases, _ in ENGINES for alias in aliases}


def engine_named(name: str) -> Engine:
    """Return what is known of an engine; of a name that somebody else registered, nothing is."""
    return _BY_NAME.get(name) or Engine(name)
