"""Providers of both engines, made as the kernel makes them, with no key in the environment but a stranger's."""

from __future__ import annotations

import pytest
from handrail_bridge import GoogleSettings, GroqSettings, google, groq
from handrail_testkit import provider_context

ENGINES = {"groq": (groq, GroqSettings), "google_genai": (google, GoogleSettings)}
KEY = "a-key-that-nobody-may-see"


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("GROQ_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-somebody-else")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://somebody.else.invalid/v1")


@pytest.fixture
def make_provider(monkeypatch):
    def make(engine, base_url=None, *, model="test-model", variable=None, value=KEY, **parameters):
        usual = {"groq": "GROQ_API_KEY", "google_genai": "GOOGLE_API_KEY"}[engine]
        if value is not None:
            monkeypatch.setenv(variable or usual, value)
        factory, settings = ENGINES[engine]
        given = {**({"base_url": base_url} if base_url else {}), **parameters}
        context = provider_context(engine, model=model, parameters=given, api_key_env_var=variable)
        return factory(settings.model_validate(given), context)

    return make
