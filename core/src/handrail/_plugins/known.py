"""Which package to install for a name that nobody registered. A hint in an error, nothing more."""

from __future__ import annotations

PACKAGES = {
    # rails
    "self check input": "handrail-self-check",
    "self check output": "handrail-self-check",
    "self check facts": "handrail-self-check",
    "regex check": "handrail-patterns",
    "regex check input": "handrail-patterns",
    "regex check output": "handrail-patterns",
    "phrase check": "handrail-patterns",
    "personal data check": "handrail-patterns",
    "secret check": "handrail-patterns",
    "detect sensitive data on input": "handrail-patterns",
    "detect sensitive data on output": "handrail-patterns",
    "mask sensitive data on input": "handrail-patterns",
    "mask sensitive data on output": "handrail-patterns",
    "content safety check input": "handrail-guard-models",
    "content safety check output": "handrail-guard-models",
    "llama guard check input": "handrail-guard-models",
    "llama guard check output": "handrail-guard-models",
    "topic safety check input": "handrail-guard-models",
    "patronus lynx check output hallucination": "handrail-guard-models",
    "tool call validation": "handrail-tools",
    # strategies
    "sentence": "handrail-strategies",
    "paragraph": "handrail-strategies",
    "whole": "handrail-strategies",
    # engines
    "scripted": "handrail-scripted",
    "openai": "handrail-openai",
    "azure_openai": "handrail-openai",
    "azure": "handrail-openai",
    "vllm": "handrail-openai",
    "ollama": "handrail-openai",
    "nim": "handrail-openai",
    "openrouter": "handrail-openai",
    "lmstudio": "handrail-openai",
    "anthropic": "handrail-anthropic",
    "google_genai": "handrail-bridge",
    "groq": "handrail-bridge",
    "huggingface": "handrail-huggingface",
    "hf_pipeline_cpu": "handrail-huggingface",
    "hf_pipeline_gpu": "handrail-huggingface",
    "huggingface_pipeline": "handrail-huggingface",
    "tiny": "handrail-tiny",
    # commands
    "new": "handrail-testkit",
    "eval": "handrail-eval",
    "audit": "handrail-audit",
    # observers
    "otel": "handrail-otel",
    "server": "handrail-server",
}
