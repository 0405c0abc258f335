"""Providers as a configuration makes them, closed after each test."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from handrail_openai import OpenAIProvider, OpenAISettings
from handrail_openai.testing import responses_server  # noqa: F401  # a fixture
from handrail_testkit import Authority, provider_context

KEY = "sk-test-4f1d8a0c2b7e9653"

_VARIABLES = (
    "OPENAI_API_KEY OPENAI_ADMIN_KEY OPENAI_BASE_URL OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_CUSTOM_HEADERS "
    "OPENAI_API_VERSION AZURE_OPENAI_API_KEY AZURE_OPENAI_AD_TOKEN AZURE_OPENAI_ENDPOINT NVIDIA_API_KEY "
    "OPENROUTER_API_KEY VLLM_API_KEY OLLAMA_API_KEY HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy"
)


@pytest.fixture(scope="session")
def trusted(tmp_path_factory):
    """One authority that clients trust, and nobody uses: a machine's hundred take long to read for each client."""
    return Authority.create(tmp_path_factory.mktemp("trusted")).file


@pytest.fixture(autouse=True)
def environment(monkeypatch, trusted):
    """No key and no proxy of whoever runs the tests; this key, and no authority that signs anything."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    for variable in _VARIABLES.split():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def key():
    return KEY


def build(base_url=None, *, engine="openai", model="test-model", api_key_env_var=None, **parameters):
    """Make a provider as the kernel does."""
    if base_url is not None:
        parameters["base_url"] = base_url
    shown = {name: value for name, value in parameters.items() if name != "client"}
    context = provider_context(engine, model=model, parameters=shown, api_key_env_var=api_key_env_var)
    return OpenAIProvider(OpenAISettings.model_validate(parameters), context)


@pytest.fixture
async def make_provider():
    """Make providers that are closed at the end of the test."""
    async with AsyncExitStack() as stack:

        def make(*args, **kwargs):
            provider = build(*args, **kwargs)
            stack.push_async_callback(provider.aclose)
            return provider

        yield make


@pytest.fixture
def configure():
    """Make a provider outside of any event loop, to see what its configuration comes to."""
    return build


@pytest.fixture
def ask():
    """Ask a provider, and give all chunks of its answer."""

    async def all_chunks(provider, messages=({"role": "user", "content": "Hello"},), **params):
        return [chunk async for chunk in provider.stream(messages, params)]

    return all_chunks
