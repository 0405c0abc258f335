"""What the package offers to Handrail: engines for services that know their callers in ways of their own."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import ProviderSpec, hookimpl


@hookimpl
def handrail_providers() -> Iterator[ProviderSpec]:
    """Offer the engines."""
    openai = "by the address at which it speaks OpenAI's protocol"
    yield _engine("google_genai", "google", "GoogleSettings", f"Google's Gemini, {openai}.")
    yield _engine("groq", "groq", "GroqSettings", "Groq.")
    yield _engine(
        "bedrock",
        "bedrock",
        "BedrockSettings",
        "Amazon Bedrock, by the addresses at which it speaks OpenAI's protocol.",
        "amazon_bedrock",
    )
    yield _engine(
        "vertexai", "vertex", "VertexSettings", f"Google's Vertex AI, {openai}.", "google_vertexai", "vertex_ai"
    )
    for name, who in (
        ("cohere", "Cohere"),
        ("deepseek", "DeepSeek"),
        ("fireworks", "Fireworks AI"),
        ("mistralai", "Mistral AI"),
        ("together", "Together AI"),
    ):
        yield _engine(name, "service", "ServiceSettings", f"{who}, {openai}.")
    yield _engine(
        "trt_llm", "tensorrt", "TensorRTSettings", "TensorRT-LLM's server; by default on port 8000 of this machine."
    )
    yield _engine("watsonx", "watsonx", "WatsonxSettings", "IBM's watsonx.ai.", "ibm", "watsonx_ai")


def _engine(name: str, maker: str, settings: str, summary: str, *aliases: str) -> ProviderSpec:
    return ProviderSpec(
        name=name,
        target=f"handrail_bridge:{maker}",
        settings=f"handrail_bridge:{settings}",
        summary=summary,
        aliases=aliases,
    )
