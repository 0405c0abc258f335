"""The package and its provider behave as every plugin and provider must, against a server that speaks the protocol."""

from __future__ import annotations

from itertools import chain

import pytest
from handrail_openai.plugin import ENGINES
from handrail_openai.testing import ModelResponse, response_events
from handrail_testkit import Completion, Pause, PluginConformance, ProviderCase, ProviderConformance, replies


class TestPlugin(PluginConformance):
    distribution = "handrail-openai"
    takes_unknown_settings = {name: "servers have parameters of their own, which are passed on" for name, *_ in ENGINES}


class TestOpenAI(ProviderConformance):
    @pytest.fixture
    async def case(self, protocol_server, make_provider, key):
        protocol_server.key = key
        protocol_server.models = {"test-model": None}
        return ProviderCase(
            provider=make_provider(protocol_server.base_url),
            expected_text="Hello, world!",
            failing=make_provider(protocol_server.base_url, model="unknown"),
            secret=key,
            requests=lambda: len(protocol_server.requests),
            is_idle=protocol_server.wait_idle,
        )


class TestOpenAIThatTakesItsTime(TestOpenAI):
    """The same with a server that pauses, so that streams are closed and cancelled while it has more to send."""

    @pytest.fixture(autouse=True)
    def pace(self, protocol_server):
        pieces = chain.from_iterable((Pause(0.004), piece) for piece in replies.stream(Completion()))
        protocol_server.default = replies.sse(pieces)


class TestResponses(ProviderConformance):
    """With a server that pauses, so that streams are closed and cancelled while it has more to send."""

    @pytest.fixture
    async def case(self, responses_server, make_provider, key):
        responses_server.key = key
        responses_server.known_models = ("test-model",)
        pieces = chain.from_iterable((Pause(0.004), piece) for piece in response_events(ModelResponse()))
        responses_server.reply = replies.sse(pieces)
        url = responses_server.base_url
        return ProviderCase(
            provider=make_provider(url, api="responses"),
            expected_text="Hello, world!",
            failing=make_provider(url, model="unknown", api="responses"),
            secret=key,
            requests=lambda: len(responses_server.requests),
            is_idle=responses_server.wait_idle,
        )
