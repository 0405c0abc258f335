"""What the package offers to Handrail: the engines `groq` and `google_genai`."""

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
