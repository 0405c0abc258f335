"""What the package offers to Handrail: engines for services that know their callers in ways of their own."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import ProviderSpec, hookimpl


@hookimpl
def handrail_providers() -> Iterator[ProviderSpec]:
    """Offer the engines."""
    yield ProviderSpec(
        name="google_genai",
        target="handrail_bridge:google",
        settings="handrail_bridge:GoogleSettings",
        summary="Google's Gemini, by the address at which it speaks OpenAI's protocol.",
    )
    yield ProviderSpec(
        name="groq",
        target="handrail_bridge:groq",
        settings="handrail_bridge:GroqSettings",
        summary="Groq.",
    )
    yield ProviderSpec(
        name="bedrock",
        target="handrail_bridge:bedrock",
        settings="handrail_bridge:BedrockSettings",
        summary="Amazon Bedrock, by the addresses at which it speaks OpenAI's protocol.",
        aliases=("amazon_bedrock",),
    )
    yield ProviderSpec(
        name="vertexai",
        target="handrail_bridge:vertex",
        settings="handrail_bridge:VertexSettings",
        summary="Google's Vertex AI, by the address at which it speaks OpenAI's protocol.",
        aliases=("google_vertexai", "vertex_ai"),
    )
    yield ProviderSpec(
        name="watsonx",
        target="handrail_bridge:watsonx",
        settings="handrail_bridge:WatsonxSettings",
        summary="IBM's watsonx.ai.",
        aliases=("ibm", "watsonx_ai"),
    )
