"""The model that ships, as a configuration makes it, and ways to ask it."""

from __future__ import annotations

from contextlib import aclosing

import pytest
from handrail_testkit import provider_context
from handrail_tiny.provider import TinyProvider
from handrail_tiny.settings import TinySettings


@pytest.fixture
def make_provider():
    """Make a provider as the kernel does."""

    def make(model=None, **parameters):
        return TinyProvider(TinySettings.model_validate(parameters), provider_context("tiny", model=model))

    return make


@pytest.fixture
def provider(make_provider):
    return make_provider()


@pytest.fixture
def collect():
    async def collect(provider, messages="How do I make pancakes?", **params):
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        async with aclosing(provider.stream(messages, params)) as stream:
            return [chunk async for chunk in stream]

    return collect
