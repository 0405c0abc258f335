"""Providers of all engines, made as the kernel makes them, with no key in the environment but a stranger's."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

import handrail_bridge
import pytest
from handrail_bridge.testing import WatsonxServer
from handrail_testkit import Authority, provider_context

ENGINES = {
    "groq": (handrail_bridge.groq, handrail_bridge.GroqSettings, "GROQ_API_KEY"),
    "google_genai": (handrail_bridge.google, handrail_bridge.GoogleSettings, "GOOGLE_API_KEY"),
    **{
        name: (handrail_bridge.service, handrail_bridge.ServiceSettings, variable)
        for name, variable in (
            ("cohere", "COHERE_API_KEY"),
            ("deepseek", "DEEPSEEK_API_KEY"),
            ("fireworks", "FIREWORKS_API_KEY"),
            ("mistralai", "MISTRAL_API_KEY"),
            ("together", "TOGETHER_API_KEY"),
        )
    },
    "trt_llm": (handrail_bridge.tensorrt, handrail_bridge.TensorRTSettings, None),
    "bedrock": (handrail_bridge.bedrock, handrail_bridge.BedrockSettings, "AWS_BEARER_TOKEN_BEDROCK"),
    "vertexai": (handrail_bridge.vertex, handrail_bridge.VertexSettings, None),
    "watsonx": (handrail_bridge.watsonx, handrail_bridge.WatsonxSettings, "WATSONX_APIKEY"),
}
KEY = "a-key-that-nobody-may-see"
_PREFIXES = (
    *("AWS_", "CO_", "COHERE_", "DEEPSEEK_", "FIREWORKS_", "GEMINI_", "GOOGLE_", "GROQ_"),
    *("MISTRAL_", "TOGETHER_", "VERTEXAI_", "WATSONX_"),
)


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture(scope="session")
def trusted(tmp_path_factory):
    """One authority that clients trust, and nobody uses: a machine's hundred take long to read for each client."""
    return Authority.create(tmp_path_factory.mktemp("trusted")).file


@pytest.fixture(autouse=True)
def environment(monkeypatch, trusted):
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    for name in [name for name in os.environ if name.startswith(_PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-somebody-else")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://somebody.else.invalid/v1")


@pytest.fixture
async def make_provider(monkeypatch):
    """Make providers that are closed at the end of the test."""
    async with AsyncExitStack() as stack:

        def make(*args, **kwargs):
            provider = build(monkeypatch, *args, **kwargs)
            stack.push_async_callback(provider.aclose)
            return provider

        yield make


@pytest.fixture
def configure(monkeypatch):
    """Make a provider outside of any event loop, to see what its configuration comes to."""

    def make(*args, **kwargs):
        return build(monkeypatch, *args, **kwargs)

    return make


def build(monkeypatch, engine, base_url=None, *, model="test-model", variable=None, value=KEY, **parameters):
    factory, settings, usual = ENGINES[engine]
    if value is not None and (variable or usual):
        monkeypatch.setenv(variable or usual, value)
    given = {**({"base_url": base_url} if base_url else {}), **parameters}
    context = provider_context(engine, model=model, parameters=given, api_key_env_var=variable)
    return factory(settings.model_validate(given), context)


@pytest.fixture
def watsonx_server():
    with WatsonxServer() as server:
        yield server
